#include <dlfcn.h>
#include <pthread.h>

struct library { void *handle; int refs; };
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

void library_ref(struct library *lib)
{
    pthread_mutex_lock(&guard);
    lib->refs++;
    pthread_mutex_unlock(&guard);
}

void library_unref(struct library *lib)
{
    pthread_mutex_lock(&guard);
    if (--lib->refs == 0) {
        dlclose(lib->handle);
        lib->handle = 0;
    }
    pthread_mutex_unlock(&guard);
}
