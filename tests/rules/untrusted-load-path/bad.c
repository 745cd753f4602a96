#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct options { const char *plugin; int verbose; };

static void parse(struct options *o, int argc, char **argv)
{
    o->plugin = argc > 1 ? argv[1] : "/usr/lib/app/default.so";
    o->verbose = 0;
}

static void *open_plugin(const struct options *o)
{
    return dlopen(o->plugin, RTLD_NOW);  /* bad */
}

int main(int argc, char **argv)
{
    struct options o;
    parse(&o, argc, argv);
    void *h = open_plugin(&o);
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    dlclose(h);
    return 0;
}
