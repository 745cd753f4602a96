#include <dlfcn.h>

typedef void *(*opener_t)(const char *, int);
static opener_t opener = dlopen;

int f(void)
{
    void *(*open_fn)(const char *, int) = dlopen;
    void *h = open_fn("/usr/lib/a.so", RTLD_NOW);
    if (!h)
        return -1;
    int (*g)(void) = (int (*)(void))dlsym(h, "g");
    int rc = g(); /* expect: CWE-690 */
    dlclose(h);
    return rc;
}
