#include <dlfcn.h>
#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *handle;

int open_it(const char *sym)
{
    int rc = -1;
    pthread_mutex_lock(&m);
    handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
    if (handle == 0) {
        pthread_mutex_unlock(&m);
        goto out;
    }
    rc = 0;
out:
    pthread_mutex_unlock(&m); /* expect: CWE-765 */
    return rc;
}
