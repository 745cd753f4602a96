#include <dlfcn.h>

void *local(void)
{
    return dlopen("/usr/lib/libown.so.1", RTLD_NOW | RTLD_LOCAL); /* good */
}

void *program(void)
{
    return dlopen(0, RTLD_LAZY | RTLD_GLOBAL);
}

void *asked(int global)
{
    return dlopen("/usr/lib/libown.so.1", RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
}

void *unknown(int flags)
{
    return dlopen("/usr/lib/libown.so.1", flags);
}

void *hinted(int hints)
{
    int flags = RTLD_NOW;
    if (hints & 1)
        flags |= RTLD_GLOBAL;
    else
        flags |= RTLD_LOCAL;
    return dlopen("/usr/lib/libown.so.1", flags);
}
