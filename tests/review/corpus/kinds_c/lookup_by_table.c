/* a table says where each result goes; nothing tests them */
#include <dlfcn.h>
#include <stddef.h>

struct codec { void *h; int (*setup)(int); int (*run)(int); };

static void bind(struct codec *c)
{
    struct { const char *name; void **slot; } want[] = {
        { "codec_setup", (void **)&c->setup },
        { "codec_run", (void **)&c->run },
    };

    for (size_t i = 0; i < 2; i++)
        *want[i].slot = dlsym(c->h, want[i].name);
}

int start(struct codec *c, const char *path)
{
    c->h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (c->h == NULL)
        return -1;
    bind(c);
    return c->setup(1); /* expect: CWE-690 */
}
