#include <dlfcn.h>
#include <pthread.h>
struct plugin { pthread_mutex_t lock; void *h; int uses; };
struct cache { pthread_mutex_t lock; int n; };
static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
void closing(struct plugin *p) {
    pthread_mutex_lock(&list);
    pthread_mutex_lock(&p->lock);
    if (p->h) dlclose(p->h);
    p->h = 0;
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_unlock(&list);
}
void fill(struct cache *p) {
    pthread_mutex_lock(&p->lock);
    pthread_mutex_lock(&list); //! none CWE-833
    p->n++;
    pthread_mutex_unlock(&list);
    pthread_mutex_unlock(&p->lock);
}
