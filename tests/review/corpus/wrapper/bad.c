#include <dlfcn.h>

static void *open_library(const char *path)
{
    return dlopen(path, RTLD_NOW);
}

static void *find_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

static void close_library(void *library)
{
    dlclose(library);
}

int twice(void)
{
    void *library = open_library("/usr/lib/liba.so");
    if (!library)
        return -1;
    int (*f)(void) = (int (*)(void))find_symbol(library, "f");
    if (!f) {
        close_library(library);
        return -1;
    }
    close_library(library);
    return f(); /* expect: CWE-416 */
}
