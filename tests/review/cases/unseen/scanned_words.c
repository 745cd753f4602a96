#include <dlfcn.h>
#include <stdio.h>

void *chosen(const char *line)
{
    char name[8], kind[8];

    if (scanf("%s", name) != 1) //! CWE-120
        return NULL;
    if (sscanf(line, "%*d%% %7s", kind) != 1) //! none CWE-120
        return NULL;
    return dlopen(kind, RTLD_NOW);
}
