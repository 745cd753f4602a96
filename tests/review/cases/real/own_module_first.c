/* A look that only asks whether there is a file, and one that decides whose it is. */

#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void *own_or_installed(const char *own, const char *installed)
{
    struct stat found;

    if (stat(own, &found) == 0)
        return dlopen(own, RTLD_NOW); //! none CWE-367
    return dlopen(installed, RTLD_NOW);
}

void *of_root(const char *path)
{
    struct stat found;

    if (stat(path, &found) != 0 || found.st_uid != 0)
        return NULL;
    return dlopen(path, RTLD_NOW); //! CWE-367
}
