#include <dlfcn.h>
#include <pthread.h>

struct library {
    pthread_mutex_t mutex;
    const char *path;
    void *handle;
};

int library_load(struct library *lib)
{
    if (lib->handle)  /* bad */
        return 1;
    lib->handle = dlopen(lib->path, RTLD_NOW);
    return lib->handle != 0;
}
