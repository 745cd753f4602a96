#include <dlfcn.h>

int setup(void)
{
    void *h = dlopen("/usr/lib/libz.so.1", RTLD_NOW);
    if (!h) {  /* bad */
    }
    int (*init)(void) = (int (*)(void))dlsym(h, "init");
    if (!init)
        return -1;
    return init();
}
