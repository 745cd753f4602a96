#include <dlfcn.h>
#include <stddef.h>

int count(const char *const *names, size_t n)
{
    int found = 0;
    for (size_t i = 0; i < n; i++) {
        void *h = dlopen(names[i], RTLD_LAZY);
        if (!h)
            continue;
        if (!dlsym(h, "plugin_entry"))
            continue; /* expect: CWE-772 */
        found++;
        dlclose(h);
    }
    return found;
}
