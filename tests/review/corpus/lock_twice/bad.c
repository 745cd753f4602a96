#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *handle;
static int uses;

static void note(void)
{
    pthread_mutex_lock(&m); /* expect: CWE-764 */
    uses++;
    pthread_mutex_unlock(&m);
}

int open_once(void)
{
    pthread_mutex_lock(&m);
    if (!handle)
        handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
    note();
    int ok = handle != 0;
    pthread_mutex_unlock(&m);
    return ok;
}
