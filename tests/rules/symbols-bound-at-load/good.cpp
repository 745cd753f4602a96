#include <dlfcn.h>

namespace own {

void *bound()
{
    const int flags = RTLD_NOW | RTLD_LOCAL;
    return ::dlopen("/usr/lib/libown.so.1", flags); // good
}

} // namespace own
