#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *load_from(const char *name)
{
    char path[128];
    if (strchr(name, '/'))
        return 0;
    if (snprintf(path, sizeof path, "/usr/lib/app/%s", name) >= (int)sizeof path)
        return 0;
    return dlopen(path, RTLD_NOW);
}
