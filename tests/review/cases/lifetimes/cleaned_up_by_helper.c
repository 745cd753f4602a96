// Clean-up functions that take what may be missing, and blocks in the elements of an array.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
static void labels_free(char **v, unsigned n)
{
    if (!v)
        return;
    while (n-- > 0)
        free(v[n]);
    free(v);
}
int a(void)
{
    char **v = calloc(3, sizeof *v);
    if (!v)
        return -1; //! none
    if (rand()) {
        labels_free(v, 3);
        return -1; //! none
    }
    dlopen("x", 1);
    free(v);
    return 0;
}
struct p { char *path; void *so; };
static void pfree(struct p *p) { if (p->so) dlclose(p->so); free(p->path); free(p); }
struct p *b(const char *path)
{
    struct p *p;
    if ((p = calloc(1, sizeof *p)) == NULL || (p->path = strdup(path)) == NULL)
        goto fail;
    if ((p->so = dlopen(path, 2)) == NULL)
        goto fail;
    return p;
fail:
    if (p != NULL)
        pfree(p);
    return NULL; //! none
}
