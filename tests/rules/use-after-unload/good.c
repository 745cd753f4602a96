#include <dlfcn.h>
#include <stdio.h>

int version(char *out, size_t n)
{
    void *h = dlopen("/usr/lib/libv.so", RTLD_NOW);
    if (!h)
        return -1;
    const char *(*ver)(void) = (const char *(*)(void))dlsym(h, "version");
    if (!ver) {
        dlclose(h);
        return -1;
    }
    int rc = snprintf(out, n, "%s", ver());
    dlclose(h);
    return rc;
}
