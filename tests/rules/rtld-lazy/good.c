#include <dlfcn.h>

#define FLAGS (RTLD_NOW | RTLD_LOCAL)

void *bound(void)
{
    return dlopen("/usr/lib/libown.so.1", FLAGS); /* good */
}

void *lazy(void)
{
    return dlopen("/usr/lib/libown.so.1", RTLD_LAZY);
}

void *either(int now)
{
    return dlopen("/usr/lib/libown.so.1", now ? RTLD_NOW : RTLD_LAZY);
}

void *own(void)
{
    return dlmopen(LM_ID_NEWLM, "/usr/lib/libown.so.1", RTLD_NOW); /* good */
}
