/* The same, closed last. */
#include <dlfcn.h>
#include <stdio.h>

struct description {
    const char *name;
    int (*init)(void);
    void *handle;
};

int take(const char *file)
{
    struct description *found;
    void *library = dlopen(file, RTLD_LAZY);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    found = dlsym(library, "description");
    if (!found) {
        dlclose(library);
        return -1;
    }
    if (found->init() < 0) {
        fprintf(stderr, "%s did not start\n", found->name);
        dlclose(library); //! none
        return -1;
    }
    found->handle = library;
    return 0;
}
