#include <dlfcn.h>

static void *library;

int start(void)
{
    library = dlopen("/usr/lib/libown.so.1", RTLD_NOW | RTLD_GLOBAL); /* expect: CWE-1188 */
    return library ? 0 : -1;
}

void stop(void)
{
    if (library)
        dlclose(library);
    library = 0;
}
