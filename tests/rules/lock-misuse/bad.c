#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *handle;

int ensure(void)
{
    pthread_mutex_lock(&m);
    if (!handle)
        handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
    if (!handle)
        return -1;  /* bad */
    pthread_mutex_unlock(&m);
    return 0;
}
