#include <dlfcn.h>
#include <stdio.h>

int version(char *out)
{
    void *h = dlopen("/usr/lib/libv.so", RTLD_NOW);
    if (!h)
        return -1;
    const char *(*ver)(void) = (const char *(*)(void))dlsym(h, "version");
    if (!ver) {
        dlclose(h);
        return -1;
    }
    dlclose(h);
    return sprintf(out, "%s", ver());  /* bad */
}
