#include <dlfcn.h>
#include <stddef.h>

int query(const char *sym)
{
    void *h = dlopen("/usr/lib/libq.so", RTLD_LAZY);
    if (h == NULL)
        return -1;
    void *p = dlsym(h, sym);
    if (p == NULL) {
        dlclose(h);
        goto out;
    }
    dlclose(h);
    return 1;
out:
    dlclose(h);  /* bad */
    return 0;
}
