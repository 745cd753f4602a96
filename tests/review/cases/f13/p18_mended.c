/* handles kept as numbers in the script engine */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
static uintptr_t handles[32];  //! none
static int count;

int script_open(const char *p)
{
    void *h = dlopen(p, RTLD_NOW);
    if (!h || count == 32) {
        if (h)
            dlclose(h);
        return -1;
    }
    handles[count] = (uintptr_t)h;  //! none
    return count++;
}
long script_call(int id, const char *fn, long a)
{
    long (*f)(long);
    if (id < 0 || id >= count)
        return -1;
    f = (long (*)(long))dlsym((void *)handles[id], fn);  //! none
    if (f == NULL)
        return -1;
    return f(a);
}
