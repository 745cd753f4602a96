#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
typedef enum { ONE, TWO } kind_t;
void *fatal(const char *);
static struct list { int n; struct list *next; } *list;
#define NEW(var, type) ((var = malloc(sizeof(type))) ? (void)0 : abort())

static bool first(kind_t kind, int a, int b)
{
    bool ret;
    int di;
    if (a > 7) {
        di = a - b;
        switch (kind) {
        case ONE:
            ret = (di == 0);
            break;
        case TWO:
            ret = (di != 0);
            break;
        }
    } else {
        ret = b > a;
    }
    return ret; //! none
}
int get(char **begin, int n);
int use(char *begin, int cnt);
bool record(int end, int n)
{
    char *begin;
    int cnt;
    if (end)
        cnt = EOF;
    else
        cnt = get(&begin, n);
    if (cnt < 0)
        return false;
    return use(begin, cnt) != 0; //! none
}
void child(int slave)
{
    if (close(0) == -1)
        fatal("close");
    if (dup(slave) != 0) //! none CWE-253
        fatal("dup");
}
int keep(int fd)
{
    if (dup(fd) == 0) //! CWE-253
        return -1;
    return 0;
}
void *run(const char *path)
{
    if (list == NULL) {
        emalloc(list, struct list *, sizeof(struct list), "run");
        list->n = 0; //! none CWE-476
    }
    first(ONE, 1, 2);
    return dlopen(path, RTLD_NOW);
}
