/* variables that are read where nothing has set them, or where what was to fill them failed */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
typedef int (*next_fn)(void **item);
struct host { void *library; next_fn next; };
int bind(struct host *host)
{
    host->next = (next_fn)dlsym(host->library, "next");
    return host->next ? 0 : -1;
}
int first(struct host *host)
{
    void *item;
    int status = host->next(&item);
    if (status < 0)
        fprintf(stderr, "no item\n");
    return *(int *)item; //! CWE-457
}
int first_well(struct host *host)
{
    void *item;
    int status = host->next(&item);
    if (status < 0)
        return -1;
    return *(int *)item; //! none CWE-457
}
int is_file(const char *path)
{
    struct stat found;
    stat(path, &found);
    return S_ISREG(found.st_mode); //! CWE-252
}
int is_file_well(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return 0;
    return S_ISREG(found.st_mode); //! none CWE-252 CWE-457
}
void *load(const char *path)
{
    char real[PATH_MAX];
    realpath(path, real);
    return dlopen(real, RTLD_NOW); //! CWE-252
}
void *load_well(const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL)
        return NULL;
    return dlopen(real, RTLD_NOW); //! none CWE-252 CWE-457
}
int close_host(struct host *host, int mode)
{
    int status;
    if (mode == 1)
        status = dlclose(host->library);
    else if (mode == 2)
        status = 0;
    return status; //! CWE-457
}
int close_host_well(struct host *host, int mode)
{
    int status, closes = 0;
    void *library;
    if (mode == 1) {
        library = host->library;
        closes = 1;
    }
    if (closes)
        status = dlclose(library); //! none CWE-457
    else
        status = -1;
    return status; //! none CWE-457
}
int count(struct host *host, const char *const *names)
{
    void *last;
    int found;
    for (found = 0; names[found]; found++)
        last = dlsym(host->library, names[found]);
    return found > 0 && last != NULL; //! none CWE-457
}
