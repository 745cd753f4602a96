/* printq: the driver is asked for its name before it is accepted */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct drv { void *h; const char *label; char *path; };

int drv_probe(struct drv *d, const char *path)
{
    const char *(*label)(void);
    d->h = dlopen(path, RTLD_NOW);
    if (d->h == NULL)
        return -1;
    label = (const char *(*)(void))dlsym(d->h, "driver_label");
    if (label == NULL) {
        dlclose(d->h);
        d->h = NULL;
        return -1;
    }
    d->label = strdup(label());
    dlclose(d->h);
    d->h = NULL;
    if (d->label == NULL)
        return -1;
    printf("found %s\n", d->label);
    return 0;
}
int drv_version(const char *path)
{
    int (*ver)(void);
    int v = -1;
    void *h = dlopen(path, RTLD_LAZY);
    if (h == NULL)
        return -1;
    ver = (int (*)(void))dlsym(h, "driver_version");
    if (ver != NULL)
        v = ver();  //! none
    dlclose(h);
    return v;
}
