#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
struct entry { struct entry *next; int family; int value; };
struct table { int n4; int *four; int n6; int *six; };
struct table *gather(struct entry *list)
{
    struct entry *one;
    struct table *t;
    int i4, i6;
    t = malloc(sizeof *t);
    if (t == NULL)
        return NULL;
    memset(t, 0, sizeof *t);
    for (one = list; one; one = one->next) {
        switch (one->family) {
        case 2:
            t->n4++;
            break;
        case 10:
            t->n6++;
            break;
        default:
            break;
        }
    }
    t->four = calloc(t->n4, sizeof(*t->four));
    if (t->four == NULL && t->n4 != 0) {
        free(t);
        return NULL;
    }
    t->six = calloc(t->n6, sizeof(*t->six));
    if (t->six == NULL && t->n6 != 0) {
        free(t->four);
        free(t);
        return NULL;
    }
    for (one = list, i4 = i6 = 0; one; one = one->next) {
        switch (one->family) {
        case 2:
            t->four[i4++] = one->value; //! none CWE-787
            break;
        case 10:
            t->six[i6++] = one->value; //! none CWE-787
            break;
        default:
            break;
        }
    }
    return t;
}
int *copied(int n, const int *from)
{
    int i;
    int *to = calloc(n, sizeof(*to));
    if (to == NULL && n != 0)
        return NULL;
    for (i = 0; i <= n; i++)
        to[i] = from[i]; //! CWE-787
    return to;
}

void *run(void) { return dlopen("libz.so.1", RTLD_NOW); }
