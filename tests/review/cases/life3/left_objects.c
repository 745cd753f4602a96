#include <dlfcn.h>
#include <stddef.h>

typedef void *(*open_fn)(void);
typedef void (*close_fn)(void *);
typedef int (*step_fn)(void *);

struct engine {
    void *image;
    open_fn open;
    close_fn close;
    step_fn step;
};

int engine_load(struct engine *e)
{
    e->image = dlopen("libengine.so.3", RTLD_NOW);
    if (!e->image)
        return -1;
    e->open = (open_fn)dlsym(e->image, "engine_open");
    e->close = (close_fn)dlsym(e->image, "engine_close");
    e->step = (step_fn)dlsym(e->image, "engine_step");
    if (!e->open || !e->close || !e->step) {
        dlclose(e->image);
        e->image = NULL;
        return -1;
    }
    return 0;
}

/* A session that one way out leaves open in the library. */
int engine_run(struct engine *e, int rounds)
{
    void *session = e->open();
    if (!session)
        return -1; //! none
    while (rounds-- > 0) {
        if (e->step(session) < 0)
            return -2; //! CWE-772
    }
    e->close(session);
    return 0;
}

int engine_run_well(struct engine *e, int rounds)
{
    int result = 0;
    void *session = e->open();
    if (!session)
        return -1; //! none
    while (rounds-- > 0 && result == 0)
        result = e->step(session);
    if (result < 0) {
        e->close(session);
        return -2; //! none
    }
    e->close(session);
    return 0;
}

/* Who gets it ends it. */
void *engine_begin(struct engine *e)
{
    void *session = e->open();
    if (!session)
        return NULL; //! none
    if (e->step(session) >= 0)
        return session; //! none
    e->close(session);
    return NULL;
}
