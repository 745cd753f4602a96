#include <dlfcn.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

struct module { char *path; void *handle; struct module *next; };
static struct module *modules;

static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

struct module *by_leaf(const char *path)
{
    struct module *m;
    for (m = modules; m; m = m->next)
        if (!strcmp(leaf(m->path), leaf(path))) //! CWE-706
            return m;
    return NULL;
}

struct module *by_variable(char *path)
{
    const char *name = basename(path);
    for (struct module *m = modules; m; m = m->next) {
        const char *other = basename(m->path);
        if (strcasecmp(name, other) == 0) //! CWE-706
            return m;
    }
    return NULL;
}

struct module *by_path(const char *path)
{
    for (struct module *m = modules; m; m = m->next)
        if (strcmp(m->path, path) == 0) //! none CWE-706
            return m;
    return NULL;
}

int is_decoder(const char *path)
{
    return strcmp(leaf(path), "decoder.so") == 0; //! none CWE-706
}

struct module *open_module(const char *path)
{
    struct module *m = by_path(path);
    if (m)
        return m;
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->path = strdup(path);
    m->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m->handle || !m->path) {
        free(m->path);
        free(m);
        return NULL;
    }
    m->next = modules;
    modules = m;
    return m;
}
