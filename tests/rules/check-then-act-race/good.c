#include <dlfcn.h>
#include <pthread.h>

struct library {
    pthread_mutex_t mutex;
    const char *path;
    void *handle;
};

int library_load(struct library *lib)
{
    int loaded;
    pthread_mutex_lock(&lib->mutex);
    if (!lib->handle)
        lib->handle = dlopen(lib->path, RTLD_NOW);
    loaded = lib->handle != 0;
    pthread_mutex_unlock(&lib->mutex);
    return loaded;
}
