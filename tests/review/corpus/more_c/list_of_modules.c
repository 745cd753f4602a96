/* Every module is made by the same call and hangs in a list that lives on the stack: none is lost when the next is made. */
#include <dlfcn.h>
#include <stdlib.h>

struct module {
    struct module *next;
    void *so;
};

struct stack {
    struct module *first;
};

static void drop(struct stack *s)
{
    struct module *m, *next;
    for (m = s->first; m; m = next) {
        next = m->next;
        if (m->so)
            dlclose(m->so);
        free(m);
    }
    s->first = NULL;
}

static int fill(struct stack *s, const char *const *paths)
{
    struct module **tail = &s->first;
    for (; *paths; paths++) {
        struct module *m = calloc(1, sizeof *m);
        if (!m)
            return -1;
        m->so = dlopen(*paths, RTLD_NOW);
        if (!m->so) {
            free(m);
            return -1;
        }
        *tail = m;
        tail = &m->next;
    }
    return 0;
}

int main(void)
{
    static const char *const paths[] = {"/usr/lib/meters/a.so", "/usr/lib/meters/b.so", NULL};
    struct stack s = {0};
    int rc = fill(&s, paths);
    drop(&s);
    return rc != 0;
}
