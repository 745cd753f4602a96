// casts that ask for a class, and memory that may not be there
#include <dlfcn.h>
#include <new>
struct Plugin { virtual ~Plugin() = default; };
struct Codec { virtual ~Codec() = default; virtual int rate() = 0; };
int rate_of(Plugin *plugin)
{
    auto *codec = dynamic_cast<Codec *>(plugin);
    return codec->rate(); //! CWE-476
}
int rate_of_well(Plugin *plugin)
{
    auto *codec = dynamic_cast<Codec *>(plugin);
    return codec ? codec->rate() : -1; //! none CWE-476
}
void *name_of(void *library)
{
    char *name = new (std::nothrow) char[32];
    name[0] = '_'; //! CWE-476 CWE-690
    return dlsym(library, name);
}
void *name_of_well(void *library)
{
    char *name = new char[32];
    name[0] = '_'; //! none CWE-476 CWE-690
    return dlsym(library, name);
}
