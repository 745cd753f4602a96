#include <dlfcn.h>

#define SHARE RTLD_GLOBAL

void *shared(void)
{
    return dlopen("/usr/lib/libown.so.1", RTLD_NOW | SHARE); /* bad */
}

void *chosen(int flags)
{
    return dlopen("/usr/lib/libown.so.1", flags | RTLD_GLOBAL); /* bad */
}
