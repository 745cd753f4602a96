#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

uintptr_t lock_make(void)
{
    pthread_mutex_t *made = malloc(sizeof(pthread_mutex_t));
    if (!made || pthread_mutex_init(made, NULL) != 0)
        return 0;
    return (uintptr_t)made;
}
int lock_take(uintptr_t which)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)which;
    return pthread_mutex_lock(lock);
}
int lock_give(uintptr_t which)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)which;
    return pthread_mutex_unlock(lock);
}

static uintptr_t list_lock, loader_lock;
static int listed;
static void *libraries[8];
static void *first;

void begin(void)
{
    list_lock = lock_make();
    loader_lock = lock_make();
}
void add(const char *path)
{
    lock_take(list_lock);
    if (listed < 8)
        libraries[listed++] = dlopen(path, RTLD_NOW);
    lock_give(list_lock);
}
int size(void)
{
    int n;
    lock_take(list_lock);
    n = listed; //! none CWE-362/366/820
    lock_give(list_lock);
    return n;
}
void forget(void)
{
    lock_take(list_lock);
    listed = 0; //! none CWE-362/366/820
    lock_give(list_lock);
}
void clear(void)
{
    lock_take(loader_lock);
    listed = 0; //! CWE-362/366/820/667
    lock_give(loader_lock);
}
void end(void)
{
    lock_take(loader_lock); //! none CWE-764
    lock_take(list_lock); //! none CWE-764
    first = NULL;
    lock_give(list_lock);
    lock_give(loader_lock);
}
static void *work(void *p) { add(p); return NULL; }
int start(pthread_t *t) { return pthread_create(t, NULL, work, "one.so"); }
