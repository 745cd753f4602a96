/* A till: receipts are jobs of a printer's library, which opens them through an argument and ends them itself. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned long status;

struct printer {
    status (*start)(void);
    status (*open_job)(unsigned tray, unsigned *job);
    status (*put)(unsigned job, const char *line);
    status (*close_job)(unsigned job);
    status (*level)(unsigned tray, int *percent);
};

struct till {
    void *lib;
    struct printer *p;
};

int till_load(struct till *t)
{
    status (*table)(struct printer **);

    t->lib = dlopen("/opt/till/lib/libreceipt.so", RTLD_NOW);
    if (!t->lib)
        return -1;
    *(void **)&table = dlsym(t->lib, "receipt_table");
    if (!table || table(&t->p) != 0) {
        dlclose(t->lib);
        t->lib = NULL;
        return -1;
    }
    t->p->start(); //! CWE-252
    return 0;
}

int till_start(struct till *t)
{
    return t->p->start() == 0 ? 0 : -1; //! none
}

int till_print(struct till *t, const char *const *lines, int n)
{
    unsigned job;

    if (t->p->open_job(1, &job) != 0)
        return -1;
    for (int i = 0; i < n; i++)
        if (t->p->put(job, lines[i]) != 0) {
            fprintf(stderr, "till: line %d\n", i);
            return -1; //! CWE-772
        }
    t->p->close_job(job);
    return 0;
}

int till_copy(struct till *t, const char *const *lines, int n)
{
    unsigned job;
    int rc = 0, left;

    if (t->p->level(1, &left) != 0 || left < 5)
        return -1; //! none
    if (t->p->open_job(2, &job) != 0)
        return -1; //! none
    for (int i = 0; i < n && rc == 0; i++)
        if (t->p->put(job, lines[i]) != 0)
            rc = -1;
    t->p->close_job(job);
    return rc;
}
