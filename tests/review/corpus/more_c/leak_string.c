#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int load_copy(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    void *h = dlopen(copy, RTLD_NOW);
    if (!h)
        return -1; /* expect: CWE-401 */
    free(copy);
    dlclose(h);
    return 0;
}
