#include <dlfcn.h>
#include <pthread.h>
typedef struct plugin { pthread_mutex_t lock; void *h; int uses; } plugin_t;
struct host { pthread_mutex_t lock; plugin_t *list[8]; int n; };
void closing(struct host *h, plugin_t *p) {
    pthread_mutex_lock(&p->lock);
    pthread_mutex_lock(&h->lock);
    h->n--;
    if (p->h) dlclose(p->h);
    p->h = 0;
    pthread_mutex_unlock(&h->lock);
    pthread_mutex_unlock(&p->lock);
}
void tick(struct host *host) {
    pthread_mutex_lock(&host->lock);
    for (int i = 0; i < host->n; i++) {
        struct plugin *one = host->list[i];
        pthread_mutex_lock(&one->lock); //! CWE-833
        one->uses++;
        pthread_mutex_unlock(&one->lock);
    }
    pthread_mutex_unlock(&host->lock);
}
