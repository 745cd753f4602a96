#include <dlfcn.h>
#include <stddef.h>

int query(const char *sym)
{
    int rc = 0;
    void *h = dlopen("/usr/lib/libq.so", RTLD_LAZY);
    if (h == NULL)
        return -1;
    void *p = dlsym(h, sym);
    if (p == NULL)
        goto out;
    rc = 1;
out:
    dlclose(h);
    return rc;
}
