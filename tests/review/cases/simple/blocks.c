/* Memory that may not be there (CWE-690): used untested, tested, handed on. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *name;
    void *library;
};

struct entry *make(const char *name, void *library)
{
    struct entry *made = calloc(1, sizeof *made);
    made->library = library; //! CWE-690
    made->name = strdup(name);
    return made;
}

struct entry *make_tested(const char *name, void *library)
{
    struct entry *made = calloc(1, sizeof *made);
    if (!made)
        return NULL;
    made->library = library; //! none
    made->name = strdup(name);
    if (!made->name) {
        free(made);
        return NULL;
    }
    return made;
}

char *copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *to = malloc(size);
    return to ? memcpy(to, text, size) : NULL; //! none
}

void *open_named(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    snprintf(path, size, "%s/%s", folder, name); //! CWE-690
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    free(path);
    return library;
}
