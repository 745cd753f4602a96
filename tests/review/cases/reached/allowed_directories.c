/* A table of directories, asked in a helper: with the separator at its ends it keeps what is loaded inside them. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const inside[] = {"/usr/lib/filters/", "/opt/filters/", NULL};
static const char *const beside[] = {"/usr/lib/filters", "/opt/filters", NULL};

static int is_in(const char *const *table, const char *path)
{
    for (size_t i = 0; table[i]; i++)
        if (strncmp(path, table[i], strlen(table[i])) == 0)
            return 1;
    return 0;
}

static int is_inside(const char *path)
{
    for (size_t i = 0; inside[i]; i++)
        if (strncmp(path, inside[i], strlen(inside[i])) == 0)
            return 1;
    return 0;
}

static int is_beside(const char *path)
{
    for (size_t i = 0; beside[i]; i++)
        if (strncmp(path, beside[i], strlen(beside[i])) == 0)
            return 1;
    return 0;
}

void *careful(void)
{
    char resolved[PATH_MAX];
    const char *asked = getenv("FILTER");
    if (!asked || !realpath(asked, resolved) || !is_inside(resolved))
        return NULL;
    return dlopen(resolved, RTLD_NOW); //! none
}

void *careless(void)
{
    char resolved[PATH_MAX];
    const char *asked = getenv("FILTER");
    if (!asked || !realpath(asked, resolved) || !is_beside(resolved))
        return NULL;
    return dlopen(resolved, RTLD_NOW); //! CWE-22/114/73
}

void *handed(void)
{
    char resolved[PATH_MAX];
    const char *asked = getenv("FILTER");
    if (!asked || !realpath(asked, resolved) || !is_in(inside, resolved))
        return NULL;
    return dlopen(resolved, RTLD_NOW); //! none
}
