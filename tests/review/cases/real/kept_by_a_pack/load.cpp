#include <dlfcn.h>

#include "index.h"
#include "load.h"

struct Loaded
{
    Header * header;
    void * module;
};
static Index<Loaded> loaded;

static void unload(Loaded & one) { dlclose(one.module); }

Header * load(const char * path)
{
    void * module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return nullptr;
    Header * header = (Header *)dlsym(module, "instance");
    if (!header || header->magic != 42)
    {
        dlclose(module);
        return nullptr;
    }
    loaded.append(header, module);
    return header;
}

void unload_all()
{
    for (Loaded & one : loaded)
        unload(one);
}

int type_of(const char * path)
{
    void * module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return -1;
    Header * header = (Header *)dlsym(module, "instance");
    if (!header)
        return -1; //! CWE-772
    int type = header->type;
    dlclose(module);
    return type;
}
