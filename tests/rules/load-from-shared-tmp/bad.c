#include <dlfcn.h>
#include <stdio.h>

int extract(const char *data, size_t n)
{
    FILE *f = fopen("/tmp/libhelper.so", "wb");
    if (!f)
        return -1;
    fwrite(data, 1, n, f);
    fclose(f);
    void *h = dlopen("/tmp/libhelper.so", RTLD_NOW);  /* bad */
    if (!h)
        return -1;
    dlclose(h);
    return 0;
}
