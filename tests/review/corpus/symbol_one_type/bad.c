#include <dlfcn.h>

static int sum(void *library)
{
    int (*count)(int) = (int (*)(int))dlsym(library, "count");
    if (count == 0)
        return -1;
    long (*wide)(int, int) = (long (*)(int, int))dlsym(library, "count"); /* expect: CWE-843 */
    if (wide == 0)
        return -1;
    return count(1) + (int)wide(1, 2);
}

int use(void *library)
{
    return library ? sum(library) : -1;
}
