/* nssmux: asks name service back ends (libnss-like shared objects) one after the other.
 * Look-ups run on the worker threads of the daemon; the admin thread reloads the list. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

typedef int (*lookup_fn)(const char *name, char *buf, size_t len, int *err);

struct backend {
    struct backend *next;
    char id[32];
    void *so;
    lookup_fn by_name;
};

static struct backend *backends;
static pthread_rwlock_t backends_rw = PTHREAD_RWLOCK_INITIALIZER;

static struct backend *backend_open(const char *id)
{
    char file[128], sym[96];
    struct backend *b;
    const char *why;

    if (strlen(id) >= sizeof b->id || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(id))
        return NULL;
    b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    snprintf(b->id, sizeof b->id, "%s", id);
    snprintf(file, sizeof file, "/usr/lib/nssmux/libmux_%s.so.2", id);
    snprintf(sym, sizeof sym, "_mux_%s_byname", id);
    b->so = dlopen(file, RTLD_NOW | RTLD_LOCAL); //! none
    if (!b->so) {
        syslog(LOG_ERR, "%s: %s", file, dlerror()); //! none
        free(b);
        return NULL;
    }
    dlerror(); //! none
    b->by_name = (lookup_fn)dlsym(b->so, sym); //! none
    if (!b->by_name) {
        why = dlerror(); //! none
        syslog(LOG_ERR, "%s: %s", file, why ? why : "symbol is null");
        dlclose(b->so); //! none
        free(b);
        return NULL;
    }
    return b;
}

int nssmux_add(const char *id)
{
    struct backend *b = backend_open(id);

    if (!b)
        return -ENOENT;
    pthread_rwlock_wrlock(&backends_rw);
    b->next = backends;
    backends = b;
    pthread_rwlock_unlock(&backends_rw);
    return 0;
}

int nssmux_remove(const char *id)
{
    struct backend **pp, *b = NULL;

    pthread_rwlock_wrlock(&backends_rw);
    for (pp = &backends; *pp; pp = &(*pp)->next)
        if (strcmp((*pp)->id, id) == 0) {
            b = *pp;
            *pp = b->next;
            break;
        }
    pthread_rwlock_unlock(&backends_rw);
    if (!b)
        return -ENOENT;
    dlclose(b->so); //! none
    free(b);
    return 0;
}

int nssmux_lookup(const char *name, char *buf, size_t len)
{
    struct backend *b;
    int err = 0, rc = -1;

    pthread_rwlock_rdlock(&backends_rw);
    for (b = backends; b; b = b->next) {
        rc = b->by_name(name, buf, len, &err); //! none
        if (rc == 0)
            break;
    }
    pthread_rwlock_unlock(&backends_rw);
    return rc == 0 ? 0 : -err;
}
