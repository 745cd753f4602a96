/* reqload: "require" of a small interpreter. Searches the templates of the module path. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vm;
typedef int (*open_fn)(struct vm *);

struct ext {
    struct ext *next;
    char *key;
    void *lib;
};

static struct ext *loaded;
static pthread_mutex_t loaded_mx = PTHREAD_MUTEX_INITIALIZER;

/* "/usr/lib/reql/?.so" and "geo" -> "/usr/lib/reql/geo.so" */
static int expand(char *out, size_t cap, const char *tmpl, const char *name)
{
    const char *mark = strchr(tmpl, '?');

    if (!mark)
        return -1;
    if ((size_t)snprintf(out, cap, "%.*s%s%s", (int)(mark - tmpl), tmpl, name, mark + 1) >= cap)
        return -1;
    return 0;
}

static void *search(const char *name)
{
    static const char *const templates[] = { "/usr/lib/reql/?.so", "/usr/local/lib/reql/?.so" };
    char file[256];
    size_t i;

    for (i = 0; i < 2; i++) {
        if (expand(file, sizeof file, templates[i], name) == 0 && access(file, F_OK) == 0)
            return dlopen(file, RTLD_NOW | RTLD_LOCAL); //! none
    }
    return NULL;
}

static struct ext *lookup_locked(const char *name)
{
    struct ext *e;

    for (e = loaded; e; e = e->next)
        if (strcmp(e->key, name) == 0)
            return e;
    return NULL;
}

int reql_require(struct vm *vm, const char *name)
{
    struct ext *e;
    open_fn opener;
    char sym[80];
    void *lib;

    if (!*name || strpbrk(name, "/.%"))
        return -1;
    pthread_mutex_lock(&loaded_mx);
    e = lookup_locked(name);
    if (e) {
        pthread_mutex_unlock(&loaded_mx);
        return 0;
    }
    lib = search(name);
    if (!lib) {
        pthread_mutex_unlock(&loaded_mx);
        return -1;
    }
    if (snprintf(sym, sizeof sym, "reqlopen_%s", name) >= (int)sizeof sym)
        goto fail;
    opener = (open_fn)dlsym(lib, sym); //! none
    e = malloc(sizeof *e);
    if (!opener || !e)
        goto fail_e;
    e->key = strdup(name);
    if (!e->key)
        goto fail_e;
    e->lib = lib;
    e->next = loaded;
    loaded = e;
    pthread_mutex_unlock(&loaded_mx);
    return opener(vm);

fail_e:
    free(e);
fail:
    dlclose(lib); //! none
    pthread_mutex_unlock(&loaded_mx);
    return -1;
}
