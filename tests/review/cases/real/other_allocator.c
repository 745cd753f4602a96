#include <dlfcn.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

void *open_copy(const char *name)
{
    char *copy = malloc(strlen(name) + 1);
    void *library;
    if (copy == NULL)
        return NULL;
    strcpy(copy, name);
    library = dlopen(copy, RTLD_NOW);
    g_free(copy); //! CWE-762
    return library;
}
