#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int load_copy(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    void *h = dlopen(copy, RTLD_NOW);
    if (!h) {
        free(copy);
        goto fail;
    }
    free(copy);
    dlclose(h);
    return 0;
fail:
    free(copy); /* expect: CWE-415 */
    return -1;
}
