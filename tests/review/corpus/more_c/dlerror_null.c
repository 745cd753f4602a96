#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int report(void *h)
{
    void *p = dlsym(h, "x");
    const char *e = dlerror();
    if (strlen(e) > 0)
        return -1;
    return p != 0;
}
