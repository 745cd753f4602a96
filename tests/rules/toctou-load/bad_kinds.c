/* The kind of a file beside its rights, and one that is asked to be no link. */
#include <dlfcn.h>
#include <sys/stat.h>

void *nobody_else_writes(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH))
        return 0;
    return dlopen(path, RTLD_NOW);  /* bad */
}

void *no_link(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    return dlopen(path, RTLD_NOW);  /* bad */
}

void *mine(const char *path, unsigned me)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return 0;
    if ((st.st_mode & S_IFMT) != S_IFREG || st.st_uid != me)
        return 0;
    return dlopen(path, RTLD_NOW);  /* bad */
}
