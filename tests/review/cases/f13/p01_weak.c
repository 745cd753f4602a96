/* mixer: sound effects are loaded from modules */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct fx { void *so; int (*process)(float *, int); struct fx *next; char *name; } fx_t;
static fx_t *all;

fx_t *fx_new(const char *file)
{
    fx_t *e = malloc(sizeof *e);
    if (e == NULL)
        return NULL;
    memset(e, 0, sizeof *e);
    e->so = dlopen(file, RTLD_LAZY);
    if (e->so == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        free(e);
        return NULL;
    }
    *(void **)&e->process = dlsym(e->so, "fx_process");
    if (e->process == NULL) {
        fprintf(stderr, "%s: no fx_process\n", file);
        free(e);
        return NULL;  //! CWE-772
    }
    e->name = strdup(file);
    e->next = all;
    all = e;
    return e;
}

void fx_delete(fx_t *e)
{
    fx_t **p;
    for (p = &all; *p; p = &(*p)->next)
        if (*p == e) {
            *p = e->next;
            break;
        }
    free(e->name);
    dlclose(e->so);
    if (e->process)
        e->process(NULL, 0);  //! CWE-416
    free(e);
}
int fx_run(float *buf, int n)
{
    fx_t *e;
    int rc = 0;
    for (e = all; e; e = e->next)
        rc |= e->process(buf, n);
    return rc;
}
