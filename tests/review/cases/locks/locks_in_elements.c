#include <dlfcn.h>
#include <pthread.h>
struct mod { pthread_mutex_t lock; void *h; int uses; };
static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
static struct mod mods[8];
static pthread_mutex_t locks[8];
static void *h;
void direct(int i) {
    pthread_mutex_lock(&list);
    pthread_mutex_lock(&mods[i].lock);
    mods[i].uses++;
    pthread_mutex_unlock(&mods[i].lock);
    pthread_mutex_unlock(&list);
}
void drop(int i) {
    pthread_mutex_lock(&mods[i].lock);
    pthread_mutex_lock(&list); //! CWE-833
    if (mods[i].h) dlclose(mods[i].h);
    mods[i].h = 0;
    pthread_mutex_unlock(&list);
    pthread_mutex_unlock(&mods[i].lock);
}
