/* confmod: settings of loadable modules. A module publishes a table of typed options. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opt_kind { OPT_INT, OPT_TEXT, OPT_HOOK };

struct opt {
    const char *name;
    enum opt_kind kind;
    union {
        long *number;
        char **text;
        int (*hook)(const char *value);
    } u;
};

struct modinfo {
    uint32_t abi;
    uint32_t n_opts;
    struct opt *opts;
};

struct module {
    void *dl;
    const struct modinfo *info;
    int (*measure)(const char *what, uint32_t *out);
};

static const struct opt *find(const struct module *m, const char *name)
{
    uint32_t i;

    for (i = 0; i < m->info->n_opts; i++)
        if (strcmp(m->info->opts[i].name, name) == 0)
            return &m->info->opts[i];
    return NULL;
}

int module_open(struct module *m, const char *file)
{
    m->dl = dlopen(file, RTLD_NOW | RTLD_LOCAL); //! none
    if (!m->dl) {
        fprintf(stderr, "confmod: %s\n", dlerror()); //! none
        return -1;
    }
    m->info = dlsym(m->dl, "module_info"); //! none
    *(void **)&m->measure = dlsym(m->dl, "module_measure"); //! none
    if (!m->info || !m->measure || m->info->abi != 3) {
        fprintf(stderr, "confmod: %s is no module of version 3\n", file);
        dlclose(m->dl); //! none
        m->dl = NULL;
        return -1;
    }
    return 0;
}

int module_set(struct module *m, const char *name, const char *value)
{
    const struct opt *o = find(m, name);
    char *end, *copy;
    long n;

    if (!o)
        return -1;
    if (o->kind == OPT_INT) {
        n = strtol(value, &end, 0);
        if (*end)
            return -1;
        *o->u.number = n;
        return 0;
    }
    if (o->kind == OPT_HOOK)
        return o->u.hook(value); //! none
    if (o->kind != OPT_TEXT)
        return -1;
    copy = strdup(value);
    if (!copy)
        return -1;
    free(*o->u.text);
    *o->u.text = copy;
    return 0;
}

int module_measure(struct module *m, const char *what, unsigned short *out) //! none
{
    uint32_t v = 0;
    int rc = m->measure(what, &v); //! none

    if (rc == 0 && v > 0xffff)
        return -1;
    *out = (unsigned short)v;
    return rc;
}

void module_close(struct module *m)
{
    if (m->dl) {
        m->info = NULL;
        dlclose(m->dl); //! none
        m->dl = NULL;
    }
}
