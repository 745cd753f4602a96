/* what is there already is agreed to, counted or not */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct unit { struct unit *next; void *h; int users; char name[32]; };
static struct unit *all;

static struct unit *known(const char *name)
{
    for (struct unit *u = all; u; u = u->next)
        if (strcmp(u->name, name) == 0)
            return u;
    return NULL;
}

static int add(const char *name)
{
    struct unit *u = calloc(1, sizeof *u);
    if (!u)
        return -1;
    u->h = dlopen("/usr/lib/app/unit.so", RTLD_NOW);
    if (!u->h) {
        fprintf(stderr, "%s\n", dlerror());
        free(u);
        return -1;
    }
    snprintf(u->name, sizeof u->name, "%s", name);
    u->users = 1;
    u->next = all;
    all = u;
    return 0;
}

int attach(const char *name)
{
    struct unit *u = known(name);
    if (u != NULL) {
        u->users++;
        return 0; //! none
    }
    return add(name);
}

int attach_blindly(const char *name)
{
    struct unit *u;
    if ((u = known(name)) != NULL) {
        puts("there");
        return 0; //! CWE-911
    }
    if ((u = calloc(1, sizeof *u)) == NULL)
        return -1;
    u->h = dlopen("/usr/lib/app/unit.so", RTLD_NOW);
    if (!u->h) {
        fprintf(stderr, "%s\n", dlerror());
        free(u);
        return -1;
    }
    u->users = 1;
    u->next = all;
    all = u;
    return 0;
}

void detach(const char *name)
{
    struct unit **p = &all, *u;
    while ((u = *p) != NULL && strcmp(u->name, name) != 0)
        p = &u->next;
    if (u && --u->users == 0) {
        *p = u->next;
        dlclose(u->h);
        free(u);
    }
}
