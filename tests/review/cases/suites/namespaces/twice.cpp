#include <dlfcn.h>

namespace cleaning {

void close_it(void *codec)
{
    dlclose(codec);
}

}

void closes_twice()
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    if (codec == nullptr)
        return;
    cleaning::close_it(codec);
    dlclose(codec); //! CWE-415/CWE-675
}

void closes_once()
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    if (codec == nullptr)
        return;
    other::close_it(codec);
    dlclose(codec); //! none CWE-415/CWE-675
}
