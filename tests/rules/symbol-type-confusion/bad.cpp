#include <dlfcn.h>

int total(void *library)
{
    auto count = reinterpret_cast<int (*)(int)>(dlsym(library, "count"));
    auto name = reinterpret_cast<const char *(*)(int)>(dlsym(library, "count")); // bad
    return count && name ? count(1) + name(1)[0] : -1;
}
