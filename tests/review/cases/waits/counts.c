/* A count that is lowered in one step and asked in another, and a pair of functions that take and release a lock. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct module {
    atomic_int users;
    void *handle;
    pthread_mutex_t lock;
};

void module_put_wrong(struct module *m)
{
    m->users--;
    if (m->users == 0) { //! CWE-362
        dlclose(m->handle);
        free(m);
    }
}

void module_put(struct module *m)
{
    if (atomic_fetch_sub(&m->users, 1) == 1) { //! none CWE-362
        dlclose(m->handle);
        free(m);
    }
}

static void enter(struct module *m)
{
    pthread_mutex_lock(&m->lock); //! none CWE-667
}

static void leave(struct module *m)
{
    pthread_mutex_unlock(&m->lock);
}

int module_run_wrong(struct module *m, const char *name)
{
    int (*run)(void);

    enter(m);
    run = (int (*)(void))dlsym(m->handle, name);
    if (!run)
        return -1; //! CWE-667
    leave(m);
    return run();
}

int module_run(struct module *m, const char *name)
{
    int (*run)(void);

    if (!name)
        return -1; //! none CWE-667
    enter(m);
    run = (int (*)(void))dlsym(m->handle, name);
    leave(m);
    return run ? run() : -1; //! none CWE-667
}
