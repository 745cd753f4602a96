/* a local copy of an atomic is no shared variable, and the member of another struct is another */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct api {
    int (*run)(void);
};
struct slot {
    const struct api *api;
};
struct unit {
    _Atomic(const struct api *) api;
    const struct api *plain;
    pthread_mutex_t lock;
};
static const struct api *load(void)
{
    void *library = dlopen("/usr/lib/demo/unit.so", RTLD_NOW);
    return library ? dlsym(library, "unit") : NULL;
}
const struct api *unit_get(struct unit *u)
{
    const struct api *api = atomic_load_explicit(&u->api, memory_order_acquire);

    if (!api) { //! none
        pthread_mutex_lock(&u->lock);
        api = atomic_load_explicit(&u->api, memory_order_relaxed);
        if (!api) {
            api = load();
            atomic_store_explicit(&u->api, api, memory_order_release);
        }
        pthread_mutex_unlock(&u->lock);
    }
    return api;
}
const struct api *unit_plain(struct unit *u)
{
    if (u->plain == NULL) { //! CWE-609
        pthread_mutex_lock(&u->lock);
        if (u->plain == NULL)
            u->plain = load();
        pthread_mutex_unlock(&u->lock);
    }
    return u->plain;
}
