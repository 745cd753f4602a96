#include "filter.h"
#include <dlfcn.h>

void PluginFilter::run(const char *what)
{
    void *library = dlopen(what, RTLD_NOW); //! CWE-114
    if (library != nullptr)
        dlclose(library);
}
