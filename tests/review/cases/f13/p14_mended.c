/* callbacks: registry calls listeners */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
typedef void (*listener)(int ev, void *ud);
struct slot { listener fn; void *ud; };
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[16];
static int nslots;

int listener_add(listener fn, void *ud)
{
    int rc = -1;
    pthread_mutex_lock(&guard);
    if (nslots < 16) {
        slots[nslots].fn = fn;
        slots[nslots].ud = ud;
        nslots++;
        rc = 0;
    }
    pthread_mutex_unlock(&guard);
    return rc;
}
void fire(int ev)
{
    int i, n;
    struct slot copy[16];
    pthread_mutex_lock(&guard);
    n = nslots;
    for (i = 0; i < n; i++)
        copy[i] = slots[i];
    pthread_mutex_unlock(&guard);
    for (i = 0; i < n; i++)
        copy[i].fn(ev, copy[i].ud);  //! none
}
int plugin_add(const char *so)
{
    int (*setup)(int (*)(listener, void *));
    void *h = dlopen(so, RTLD_NOW);
    if (!h)
        return -1;
    setup = (int (*)(int (*)(listener, void *)))dlsym(h, "setup");
    if (!setup) {
        dlclose(h);
        return -1;
    }
    if (setup(listener_add) != 0) {
        dlclose(h);
        return -1;
    }  //! none
    return 0;
}
