/* A map viewer: tiles come from a module, and so does the memory of their pixels; names are copied. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct tiler {
    int (*render)(int x, int y, unsigned char **pixels);
    void (*release)(unsigned char *pixels);
};

struct tile {
    unsigned char *pixels;
    char *name;
};

struct viewer {
    void *so;
    const struct tiler *make;
};

int viewer_open(struct viewer *v)
{
    v->so = dlopen("/usr/lib/viewer/tiler.so", RTLD_NOW | RTLD_LOCAL);
    if (!v->so)
        return -1;
    v->make = dlsym(v->so, "tiler_table");
    if (!v->make || !v->make->render || !v->make->release) {
        dlclose(v->so);
        v->so = NULL;
        return -1;
    }
    return 0;
}

int tile_fill(struct viewer *v, struct tile *t, int x, int y, const char *name)
{
    t->name = strdup(name);
    if (!t->name)
        return -1;
    return v->make->render(x, y, &t->pixels);
}

void tile_drop(struct tile *t)
{
    free(t->name);   //! none
    free(t->pixels); //! CWE-762
}
