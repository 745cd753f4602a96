#include <dlfcn.h>

namespace own {

void *bound()
{
    return ::dlopen("/usr/lib/libown.so.1", RTLD_NOW | RTLD_LOCAL); // good
}

} // namespace own
