/* db: drivers behind a registry with callbacks under the registry mutex */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct dbops { int version; int (*open)(const char *, void **); void (*close)(void *); const char *name; };
struct dbdrv { struct dbdrv *next; void *module; const struct dbops *ops; unsigned nconn; };
static struct dbdrv *drivers;
static pthread_mutex_t drivers_mx = PTHREAD_MUTEX_INITIALIZER;

static struct dbdrv *lookup_locked(const char *name)
{
    struct dbdrv *d;
    for (d = drivers; d != NULL; d = d->next)
        if (strcmp(d->ops->name, name) == 0)
            break;
    return d;
}

int db_register(const struct dbops *ops)
{
    struct dbdrv *d = calloc(1, sizeof *d);
    if (d == NULL)
        return -1;
    d->ops = ops;
    pthread_mutex_lock(&drivers_mx);
    d->next = drivers;
    drivers = d;
    pthread_mutex_unlock(&drivers_mx);
    return 0;
}

int db_load(const char *path)
{
    int (*reg)(int (*)(const struct dbops *));
    void *m = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    int rc;
    if (m == NULL) {
        fprintf(stderr, "db: %s\n", dlerror());
        return -1;
    }
    reg = (int (*)(int (*)(const struct dbops *)))dlsym(m, "db_driver_register");
    if (reg == NULL) {
        dlclose(m);
        return -1;
    }
    pthread_mutex_lock(&drivers_mx);
    rc = reg(db_register);  //! CWE-764
    pthread_mutex_unlock(&drivers_mx);
    return rc;
}

void *db_connect(const char *driver, const char *dsn)
{
    struct dbdrv *d;
    void *conn = NULL;
    pthread_mutex_lock(&drivers_mx);
    d = lookup_locked(driver);
    if (d == NULL) {
        return NULL;  //! CWE-667
    }
    d->nconn++;
    pthread_mutex_unlock(&drivers_mx);
    if (d->ops->open(dsn, &conn) != 0)
        conn = NULL;
    return conn;
}

unsigned db_connections(const char *driver)
{
    unsigned n = 0;
    struct dbdrv *d;
    d = lookup_locked(driver);
    if (d != NULL)
        n = d->nconn;
    return n;
}
