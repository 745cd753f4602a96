#include <dlfcn.h>
#include <stddef.h>

static struct { int (*open)(void); void (*close)(void); } api;
static const struct { const char *name; void **slot; } table[] = {
    {"open", (void **)&api.open},
    {"close", (void **)&api.close},
};

int fill(void *h)
{
    int ok = 1;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        *table[i].slot = dlsym(h, table[i].name);
        ok &= *table[i].slot != NULL;
    }
    return ok;
}
