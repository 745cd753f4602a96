/* a counter is asked about as itself: two structs have an argc, and one of them is compared */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define N 8
#define IS_FULL(table, count) ((count) >= sizeof(table) / sizeof((table)[0]))

struct module {
    char *argv[N];
    int argc;
};
struct host {
    void *libraries[N];
    unsigned count;
    int argc;
};
struct queue {
    void *entries[4];
    int tail;
};
struct stack {
    void *entries[4];
    int top;
};

static const char *const names[] = {"a.so", "b.so", NULL};
static void *kept[2];
static unsigned nkept;
static void *again[2];
static unsigned nagain;
static void *ring[N];
static unsigned head;
static void *plenty[N];
static unsigned nplenty;
static const char *words[N];
static int nwords;

void read_word(struct module *m, char *word)
{
    m->argv[m->argc++] = word; //! CWE-787
}
int is_alone(const struct host *h)
{
    return h->argc < 2;
}
void put(struct host *h, void *library)
{
    unsigned at = h->count;
    if (at >= N)
        return;
    h->libraries[h->count++] = library; //! none
}
void each(void)
{
    for (size_t i = 0; i < sizeof names / sizeof *names - 1; i++) {
        void *library = dlopen(names[i], RTLD_NOW);
        if (library)
            kept[nkept++] = library; //! none
    }
}
void walk(void)
{
    for (const char *const *p = names; *p; p++) {
        void *library = dlopen(*p, RTLD_NOW);
        if (library)
            again[nagain++] = library; //! none
    }
}
void note(void *p)
{
    ring[head++] = p; //! none
    head %= N;
}
void more(void *p)
{
    if (IS_FULL(plenty, nplenty))
        return;
    plenty[nplenty++] = p; //! none
}
void push(struct queue *q, void *x)
{
    q->entries[q->tail] = x; //! none
    q->tail = (q->tail + 1) % 4;
}
static int is_full(const struct stack *s)
{
    return s->top == 4;
}
void lay(struct stack *s, void *x)
{
    if (is_full(s))
        return;
    s->entries[s->top++] = x; //! none
}
void parse(char *text)
{
    char *word;
    while ((word = strsep(&text, " ")) != NULL)
        words[nwords++] = word; //! CWE-787
}
