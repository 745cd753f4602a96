/* refs: counted drivers */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct driver { int users; void *handle; char *file; struct driver *link; };
static struct driver *head;

static struct driver *find(const char *file)
{
    struct driver *d;
    for (d = head; d; d = d->link)
        if (!strcmp(d->file, file))
            return d;
    return NULL;
}
struct driver *driver_ref(const char *file)
{
    struct driver *d = find(file);
    if (d) {
        return d;  //! CWE-911
    }
    d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->handle = dlopen(file, RTLD_NOW);
    if (!d->handle) {
        fprintf(stderr, "%s\n", dlerror());
        free(d);
        return NULL;
    }
    d->file = strdup(file);
    if (!d->file) {
        dlclose(d->handle);
        free(d);
        return NULL;
    }
    d->users = 1;
    d->link = head;
    head = d;
    return d;
}
void driver_unref(struct driver *d)
{
    struct driver **p;
    if (--d->users > 0)
        return;
    for (p = &head; *p; p = &(*p)->link)
        if (*p == d) {
            *p = d->link;
            break;
        }
    dlclose(d->handle);
    free(d->file);
    free(d);
}
