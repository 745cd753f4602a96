/* The same in C, where the factory gives a pointer to a struct that only the program knows. */
#include <dlfcn.h>

typedef struct plugin plugin_t;

plugin_t *factory(void *library)
{
    plugin_t *(*make)(void) = (plugin_t * (*)(void)) dlsym(library, "make");
    return make(); //! CWE-690
}

plugin_t *factory_tested(void *library)
{
    plugin_t *(*make)(void) = (plugin_t * (*)(void)) dlsym(library, "make"); //! none CWE-252
    return make ? make() : (void *)0; //! none CWE-690
}

plugin_t *factory_after_the_close(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    plugin_t *(*make)(int);
    if (!library)
        return 0;
    make = dlsym(library, "make");
    dlclose(library);
    return make ? make(1) : (void *)0; //! CWE-416
}
