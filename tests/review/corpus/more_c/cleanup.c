#include <dlfcn.h>

static void close_library(void **h)
{
    if (*h)
        dlclose(*h);
}

int run(void)
{
    __attribute__((cleanup(close_library))) void *h = dlopen("/usr/lib/a.so", RTLD_NOW);
    if (!h)
        return -1;
    int (*f)(void) = (int (*)(void))dlsym(h, "f");
    if (!f)
        return -2;
    return f();
}
