#include <dlfcn.h>
#include <stddef.h>

int probe(const char *path)
{
    int (*check)(void);
    void *h;

    if (path == NULL || path[0] != '/')
        return -1;
    h = dlopen(path, RTLD_NOW);
    if (h == NULL)
        return -1;
    *(void **)&check = dlsym(h, "check");
    if (check == NULL)
        return -2;  /* bad */
    int rc = check();
    dlclose(h);
    return rc;
}
