/* The same with the locks of POSIX. */
#include <dlfcn.h>
#include <pthread.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static void *current;

void *engine(void)
{
    void *found;

    pthread_rwlock_rdlock(&lock);
    found = current;
    pthread_rwlock_unlock(&lock);
    return found;
}

int engine_open(void)
{
    void *made = dlopen("/usr/lib/deck/engine.so", RTLD_NOW);

    if (made == NULL)
        return -1;
    pthread_rwlock_rdlock(&lock);
    current = made; //! CWE-362
    pthread_rwlock_unlock(&lock);
    return 0;
}
