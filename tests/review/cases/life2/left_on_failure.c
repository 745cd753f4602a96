#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

struct plugin {
    void *library;
    int (*init)(void);
};

/* The symbol that is not there keeps no library open. */
int open_plugin(struct plugin *p, const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        return -1;
    p->init = (int (*)(void))dlsym(library, "init");
    if (!p->init)
        return -1; //! CWE-772
    p->library = library;
    return 0;
}

int open_or_close(struct plugin *p, const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        return -1;
    p->init = (int (*)(void))dlsym(library, "init");
    if (!p->init) {
        dlclose(library);
        return -1; //! none
    }
    p->library = library;
    return 0; //! none
}

void close_plugin(struct plugin *p)
{
    if (p->library)
        dlclose(p->library);
    p->library = NULL;
}

struct list {
    struct plugin *plugins;
    size_t count;
};

int grow(struct list *list)
{
    list->plugins = realloc(list->plugins, (list->count + 1) * sizeof *list->plugins); //! CWE-401
    return list->plugins ? 0 : -1;
}

int grow_safely(struct list *list)
{
    struct plugin *more = realloc(list->plugins, (list->count + 1) * sizeof *more); //! none
    if (!more)
        return -1;
    list->plugins = more;
    return 0;
}

void grow_or_end(struct list *list)
{
    list->plugins = realloc(list->plugins, (list->count + 1) * sizeof *list->plugins); //! none
    if (!list->plugins)
        abort();
}

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* A library that is loaded by the number of its descriptor keeps the name only while that is open. */
void *load_bytes(const void *bytes, size_t size)
{
    char name[40];
    void *library = NULL;
    int fd = memfd_create("pack", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, bytes, size) == (ssize_t)size) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    return library; //! none
}
