#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "house.h"

char *shortened(const char *name, size_t room)
{
    char *copy = malloc(room + 1);
    if (copy == NULL)
        return NULL;
    if (strlen(name) > room) {
        g_free(copy); //! none CWE-762
        return NULL;
    }
    strcpy(copy, name);
    return copy;
}

void *open_short(const char *name)
{
    char *copy = shortened(name, 64);
    void *library = copy ? dlopen(copy, RTLD_NOW) : NULL;
    free(copy);
    return library;
}
