/* shared handle closed twice on error */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct ext { void *so; int fd; char *buf; };

static void ext_release(struct ext *x)
{
    if (x->so)
        dlclose(x->so);
    if (x->fd >= 0)
        close(x->fd);
    free(x->buf);
    x->so = NULL;
    x->fd = -1;
    x->buf = NULL;  //! none
}
static int ext_fill(struct ext *x, size_t n)
{
    x->buf = malloc(n);
    if (!x->buf) {
        ext_release(x);
        return -1;
    }
    return 0;
}
int ext_open(struct ext *x, const char *so)
{
    x->fd = -1;
    x->buf = NULL;
    x->so = dlopen(so, RTLD_NOW);
    if (!x->so)
        return -1;
    if (ext_fill(x, 4096) != 0) {
        ext_release(x);
        return -1;
    }
    return 0;
}
