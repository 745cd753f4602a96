#include <dlfcn.h>
void fourth(const char *name)
{
    void *library = dlopen(name, RTLD_NOW); //! CWE-114
    if (library != NULL)
        dlclose(library);
}
