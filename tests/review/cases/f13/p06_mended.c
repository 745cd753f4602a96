/* fontd: rasterisers with a worker each */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
struct raster { void *lib; pthread_t tid; atomic_int stop; int (*step)(void *); void *ctx; };

static void *loop(void *arg)
{
    struct raster *r = arg;
    while (!atomic_load(&r->stop))
        if (r->step(r->ctx) < 0)
            break;
    return NULL;
}
struct raster *raster_start(const char *so)
{
    struct raster *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->lib = dlopen(so, RTLD_NOW);
    if (!r->lib) {
        fprintf(stderr, "fontd: %s\n", dlerror());
        free(r);
        return NULL;
    }
    r->step = (int (*)(void *))dlsym(r->lib, "raster_step");
    if (!r->step || pthread_create(&r->tid, NULL, loop, r) != 0) {
        dlclose(r->lib);
        free(r);
        return NULL;
    }
    return r;
}
void raster_stop(struct raster *r)
{
    atomic_store(&r->stop, 1);
    pthread_join(r->tid, NULL);
    dlclose(r->lib);  //! none
    free(r);
}
