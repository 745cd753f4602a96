/* handles kept as numbers in the script engine */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static unsigned int handles[32];
static int count;

int script_open(const char *p)
{
    void *h = dlopen(p, RTLD_NOW);
    if (!h || count == 32) {
        if (h)
            dlclose(h);
        return -1;
    }
    handles[count] = (unsigned int)(uintptr_t)h;  //! CWE-704
    return count++;
}
long script_call(int id, const char *fn, long a)
{
    long (*f)(long);
    f = (long (*)(long))dlsym((void *)(uintptr_t)handles[id], fn);
    if (f == NULL)
        return -1;
    return f(a);
}
