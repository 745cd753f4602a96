/* tapline: capture filters in shared objects, each with a thread of its own. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_DIR "/usr/lib/tapline"

struct tap {
    struct tap *next;
    char name[24];
    void *dso;
    int (*step)(void);
    atomic_bool stop;
    pthread_t thread;
};

static pthread_mutex_t taps_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tap *taps;

static void *tap_main(void *arg)
{
    struct tap *t = arg;

    while (!atomic_load(&t->stop))
        if (t->step() < 0)
            break;
    return NULL;
}

static void *bind_symbol(void *dso, const char *name)
{
    const char *err;
    void *p;

    (void)dlerror(); //! none
    p = dlsym(dso, name); //! none
    err = dlerror(); //! none
    if (err) {
        fprintf(stderr, "tapline: %s\n", err);
        return NULL;
    }
    return p;
}

int tap_start(const char *name)
{
    char path[96];
    struct tap *t;

    if (strlen(name) >= sizeof t->name || strchr(name, '/') || name[0] == '.')
        return -1;
    t = calloc(1, sizeof *t);
    if (!t)
        return -1;
    memcpy(t->name, name, strlen(name) + 1); //! none
    snprintf(path, sizeof path, "%s/%s.so", TAP_DIR, name);
    if (!(t->dso = dlopen(path, RTLD_NOW | RTLD_LOCAL))) { //! none
        fprintf(stderr, "tapline: %s\n", dlerror()); //! none
        free(t);
        return -1;
    }
    *(void **)(&t->step) = bind_symbol(t->dso, "tap_step");
    if (!t->step || pthread_create(&t->thread, NULL, tap_main, t) != 0) {
        dlclose(t->dso); //! none
        free(t);
        return -1;
    }
    pthread_mutex_lock(&taps_mutex);
    t->next = taps;
    taps = t;
    pthread_mutex_unlock(&taps_mutex);
    return 0;
}

void tap_stop_all(void)
{
    struct tap *t, *next;

    pthread_mutex_lock(&taps_mutex);
    t = taps;
    taps = NULL;
    pthread_mutex_unlock(&taps_mutex);
    for (; t; t = next) {
        next = t->next;
        atomic_store(&t->stop, true);
        pthread_join(t->thread, NULL);
        dlclose(t->dso); //! none
        free(t);
    }
}
