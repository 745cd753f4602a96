#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *handle;
static int uses;

static void note_locked(void)
{
    uses++;
}

int open_once(void)
{
    pthread_mutex_lock(&m);
    if (!handle)
        handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
    note_locked();
    int ok = handle != 0;
    pthread_mutex_unlock(&m);
    return ok;
}
