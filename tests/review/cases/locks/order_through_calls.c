#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
struct mod { pthread_mutex_t lock; void *h; int uses; };
static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
static struct mod mods[8];
static void drop(struct mod *m) {
    pthread_mutex_lock(&m->lock);
    pthread_mutex_lock(&list);
    if (m->h) dlclose(m->h);
    m->h = NULL;
    pthread_mutex_unlock(&list);
    pthread_mutex_unlock(&m->lock);
}
static void count(struct mod *m) {
    pthread_mutex_lock(&m->lock); //! CWE-833
    m->uses++;
    pthread_mutex_unlock(&m->lock);
}
void all(void) {
    pthread_mutex_lock(&list);
    for (int i = 0; i < 8; i++)
        count(&mods[i]);
    pthread_mutex_unlock(&list);
}
int load(struct mod *m) {
    void *h = dlopen("libx.so.1", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    pthread_mutex_lock(&list);
    m->h = h;
    pthread_mutex_unlock(&list);
    return 0;
}
void end(struct mod *m) { drop(m); }
