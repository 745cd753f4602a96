/* What describes a plugin is in the plugin: it was asked for the handle after the close, and freed. iio-oscilloscope
   before the close came last. */
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
        dlclose(library);
        fprintf(stderr, "%s did not start\n", found->name); //! CWE-416/672/825
        return -1;
    }
    found->handle = library;
    return 0;
}
