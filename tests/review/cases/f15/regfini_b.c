/* regfini: format readers register themselves in the table of the host; they may also
 * ask for work at the end of the program. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *ext;
    int (*read)(const char *file, void *sink);
    void (*flush)(void);
};

static struct reader *readers[32];
static size_t n_readers;

int host_register(struct reader *r)
{
    if (n_readers == sizeof readers / sizeof readers[0])
        return -1;
    readers[n_readers++] = r;
    return 0;
}

static void host_unregister(const struct reader *r)
{
    size_t i;

    for (i = 0; i < n_readers; i++)
        if (readers[i] == r) {
            readers[i] = readers[--n_readers];
            return;
        }
}

struct plug {
    void *dl;
    struct reader *r;
};

int plug_add(struct plug *p, const char *file)
{
    struct reader *(*get)(void);

    p->dl = dlopen(file, RTLD_NOW | RTLD_LOCAL); //! none
    if (!p->dl) {
        fprintf(stderr, "%s\n", dlerror()); //! none
        return -1;
    }
    get = (struct reader * (*)(void)) dlsym(p->dl, "reader_get"); //! none
    if (!get) {
        fprintf(stderr, "%s: %s\n", file, dlerror()); //! none
        dlclose(p->dl); //! none
        return -1;
    }
    p->r = get();
    if (!p->r || host_register(p->r) != 0) {
        dlclose(p->dl); //! none
        return -1;
    }
    return 0;
}

void plug_remove(struct plug *p)
{
    if (p->r->flush)
        p->r->flush();
    host_unregister(p->r);
    p->r = NULL;
    dlclose(p->dl); //! none
    p->dl = NULL;
}

int host_read(const char *file, void *sink)
{
    const char *dot = strrchr(file, '.');
    size_t i;

    if (!dot)
        return -1;
    for (i = 0; i < n_readers; i++)
        if (strcmp(readers[i]->ext, dot + 1) == 0)
            return readers[i]->read(file, sink);
    return -1;
}
