/* two locks, two orders */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
struct cache { pthread_mutex_t m; void *libs[8]; int n; };
struct stats { pthread_mutex_t m; unsigned loads, drops; };
static struct cache C = { PTHREAD_MUTEX_INITIALIZER, {0}, 0 };
static struct stats S = { PTHREAD_MUTEX_INITIALIZER, 0, 0 };

static void count_load(void)
{
    pthread_mutex_lock(&S.m);
    S.loads++;
    pthread_mutex_unlock(&S.m);
}
void *cache_add(const char *p)
{
    void *h = dlopen(p, RTLD_NOW);
    if (!h)
        return NULL;
    pthread_mutex_lock(&C.m);
    if (C.n == 8) {
        pthread_mutex_unlock(&C.m);
        dlclose(h);
        return NULL;
    }
    C.libs[C.n++] = h;
    count_load();
    pthread_mutex_unlock(&C.m);
    return h;
}
void report(FILE *f)
{
    pthread_mutex_lock(&S.m);
    pthread_mutex_lock(&C.m);  //! CWE-833
    fprintf(f, "%u loads, %d open\n", S.loads, C.n);
    pthread_mutex_unlock(&C.m);
    pthread_mutex_unlock(&S.m);
}
void cache_clear(void)
{
    int i;
    pthread_mutex_lock(&C.m);
    for (i = 0; i < C.n; i++)
        dlclose(C.libs[i]);
    C.n = 0;
    pthread_mutex_unlock(&C.m);
}
