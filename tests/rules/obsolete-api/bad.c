#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

void *load_from(const char *name)
{
    char path[128];
    strcpy(path, "/usr/lib/app/");
    strcat(path, name);  /* bad */
    return dlopen(path, RTLD_NOW);
}
