#include <dlfcn.h>
#include <stdio.h>

#define OPEN(p) dlopen((p), RTLD_NOW | RTLD_LOCAL)
#define RESOLVE(h, name) \
    do { \
        *(void **)(&name) = dlsym((h), #name); \
        if (!name) { \
            fprintf(stderr, "%s\n", dlerror()); \
            dlclose(h); \
            return -1; \
        } \
    } while (0)

int go(void)
{
    int (*start)(int);
    void (*stop)(void);
    void *h = OPEN("/usr/lib/go.so");
    if (!h)
        return -1;
    RESOLVE(h, start);
    RESOLVE(h, stop);
    int rc = start(1);
    stop();
    dlclose(h);
    return rc;
}
