#include <dlfcn.h>
#include <stdlib.h>

struct item { char *file; void *object; };

void *plain(const char *path)
{
    char *full = realpath(path, NULL);
    void *handle = dlopen(full, RTLD_NOW); //! CWE-690/754
    free(full);
    return handle;
}

int member(struct item *item, const char *path)
{
    item->file = canonicalize_file_name(path);
    item->object = dlopen(item->file, RTLD_NOW | RTLD_LOCAL); //! CWE-690/754
    return item->object ? 0 : -1;
}

int tested(struct item *item, const char *path)
{
    item->file = realpath(path, NULL);
    if (item->file == NULL)
        return -1;
    item->object = dlopen(item->file, RTLD_NOW | RTLD_LOCAL); //! none CWE-690/754
    return item->object ? 0 : -1;
}

void *into_buffer(const char *path)
{
    char full[4096];
    if (realpath(path, full) == NULL)
        return NULL;
    return dlopen(full, RTLD_NOW); //! none CWE-690/754
}
