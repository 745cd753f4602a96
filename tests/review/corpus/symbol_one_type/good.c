#include <dlfcn.h>

static int sum(void *library)
{
    int (*count)(int) = (int (*)(int))dlsym(library, "count"); /* evidence: type declarations */
    if (count == 0)
        return -1;
    int (*again)(int) = (int (*)(int number))dlsym(library, "count");
    if (again == 0)
        return -1;
    return count(1) + again(2);
}

int use(void *library)
{
    return library ? sum(library) : -1;
}
