#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *library;

void *get(void)
{
    pthread_mutex_lock(&lock);
    if (!library)
        library = dlopen("/usr/lib/libx.so", RTLD_NOW);
    void *h = library;
    pthread_mutex_unlock(&lock);
    return h;
}

void drop(void)
{
    if (library) {  /* bad */
        dlclose(library);
        library = 0;
    }
}
