/* a union by kind, in a table */
#include <dlfcn.h>
#include <stdio.h>
enum what { FILTER, SINK };
struct part { enum what what; void *h; union { int (*filter)(char *); int (*sink)(const char *, int); } to; };
static struct part parts[8];
static int nparts;

int add(enum what what, const char *path)
{
    if (nparts == 8)
        return -1;
    struct part *p = &parts[nparts];
    p->what = what;
    p->h = dlopen("/usr/lib/app/part.so", RTLD_NOW);
    if (!p->h) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    if (what == FILTER)
        *(void **)&p->to.filter = dlsym(p->h, "filter");
    else
        *(void **)&p->to.sink = dlsym(p->h, "sink");
    if ((what == FILTER && !p->to.filter) || (what == SINK && !p->to.sink)) {
        dlclose(p->h);
        return -1;
    }
    nparts++;
    return 0;
}

void filter_all(char *text)
{
    for (int i = 0; i < nparts; i++)
        if (parts[i].to.filter(text) != 0) //! CWE-843
            return;
}

void sink_all(const char *text)
{
    for (int i = 0; i < nparts; i++)
        if (parts[i].what == SINK && parts[i].to.sink(text, 1) != 0) //! none CWE-843
            return;
}
