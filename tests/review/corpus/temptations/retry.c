#include <dlfcn.h>
#include <stddef.h>

static void *module;

void *reopen(const char *const *paths, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (module) {
            dlclose(module);
            module = NULL;
        }
        module = dlopen(paths[i], RTLD_NOW);
        if (module)
            return module;
    }
    return NULL;
}
