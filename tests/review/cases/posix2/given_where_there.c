/* a table of the library, where its function is there; a lookup of its own */
#include <dlfcn.h>
#include <stdio.h>
#define PINS 8
struct board { unsigned npins; int (*read)(unsigned); };
typedef int (*level_fn)(unsigned);
struct state { void *h; void *(*find)(const char *); level_fn level; level_fn extra; int pin[PINS]; };

int board_open(struct state *s)
{
    const struct board *(*get)(void);
    s->h = dlopen("/usr/lib/app/board.so", RTLD_NOW);
    if (!s->h) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    *(void **)&get = dlsym(s->h, "board");
    *(void **)&s->find = dlsym(s->h, "find");
    const struct board *b = get ? get() : NULL;
    if (!b || !s->find || !b->read) {
        dlclose(s->h);
        s->h = NULL;
        return -1;
    }
    *(void **)&s->level = s->find("level");
    *(void **)&s->extra = s->find("extra");
    for (unsigned i = 0; i < b->npins; i++)
        s->pin[i] = b->read(i); //! CWE-787
    return 0;
}

int board_level(struct state *s, unsigned pin)
{
    return s->level(pin); //! CWE-476
}

int board_extra(struct state *s, unsigned pin)
{
    return s->extra ? s->extra(pin) : 0; //! none
}
