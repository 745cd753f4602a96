#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int extract(const char *data, size_t n)
{
    char dir[] = "/run/user/app-XXXXXX";
    char path[64];
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/libhelper.so", dir);
    FILE *f = fopen(path, "wb");
    if (!f)
        return -1;
    fwrite(data, 1, n, f);
    fclose(f);
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    dlclose(h);
    return 0;
}
