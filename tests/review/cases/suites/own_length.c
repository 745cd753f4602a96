#include <dlfcn.h>
#include <string.h>

void *open_with(const char *name)
{
    char path[64] = "/opt/codecs/................";
    strncpy(path + 12, name, strlen(path + 12)); //! none CWE-787/CWE-120
    return dlopen(path, RTLD_NOW);
}

void *open_over(const char *name)
{
    char path[64];
    memset(path, '.', sizeof path - 1);
    path[63] = '\0';
    strncpy(path, name, strlen(path)); //! none CWE-787/CWE-120
    return dlopen(path, RTLD_NOW);
}

void *open_all_of(const char *name)
{
    char path[64];
    strncpy(path, name, strlen(name) + 1); //! CWE-787/CWE-120
    return dlopen(path, RTLD_NOW);
}
