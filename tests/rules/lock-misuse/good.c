#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *handle;

int ensure(void)
{
    int rc = 0;
    pthread_mutex_lock(&m);
    if (!handle)
        handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
    if (!handle)
        rc = -1;
    pthread_mutex_unlock(&m);
    return rc;
}
