#include <dlfcn.h>

int total(void *library)
{
    auto name = reinterpret_cast<const char *(*)(int)>(dlsym(library, "name")); // good
    auto again = reinterpret_cast<char *(*)(int)>(dlsym(library, "name"));
    auto other = reinterpret_cast<int (*)(int)>(dlsym(library, "count"));
    return name && again && other ? name(1)[0] + again(1)[0] + other(1) : -1;
}
