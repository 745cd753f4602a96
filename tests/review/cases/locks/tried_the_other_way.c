#include <dlfcn.h>
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *h; static int n;
int one(void) {
    pthread_mutex_lock(&a);
    pthread_mutex_lock(&b);
    n++;
    pthread_mutex_unlock(&b);
    pthread_mutex_unlock(&a);
    return 0;
}
int two(void) {
    pthread_mutex_lock(&b);
    while (pthread_mutex_trylock(&a) != 0) { //! none CWE-833
        pthread_mutex_unlock(&b);
        sched_yield();
        pthread_mutex_lock(&b);
    }
    n--;
    pthread_mutex_unlock(&a);
    pthread_mutex_unlock(&b);
    return 0;
}
int load(void) { h = dlopen("libx.so.1", RTLD_NOW); return h ? 0 : -1; }
