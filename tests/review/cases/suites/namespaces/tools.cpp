#include <cstdlib>
#include <dlfcn.h>

namespace tools {

void *open_codec(const char *name)
{
    const char *other = getenv("CODEC");
    return dlopen(other != nullptr ? other : name, RTLD_NOW); //! CWE-114
}

}
