/* A postal scale whose driver's functions are listed once: the list makes the members and looks them up. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define SCALE_CALLS(DO)                        \
    DO(int, weigh, (void *pan, double *grams), 1)  \
    DO(int, tare, (void *pan), 0)                  \
    DO(char *, label, (void *pan), 1)              \
    DO(void, freetext, (char *text), 1)

struct scale {
    void *lib;
    void *pan;
#define DO(ret, name, args, must) ret (*name) args;
    SCALE_CALLS(DO)
#undef DO
};

int scale_bind(struct scale *s, const char *file)
{
    (void)file;
    s->lib = dlopen("/usr/lib/scale/driver.so", RTLD_NOW);
    if (!s->lib)
        return -1;
#define DO(ret, name, args, must)                      \
    *(void **)&s->name = dlsym(s->lib, "scale_" #name); \
    if (must && !s->name)                               \
        goto bad;
    SCALE_CALLS(DO)
#undef DO
    return 0;
bad:
    dlclose(s->lib);
    s->lib = NULL;
    return -1;
}

int scale_zero(struct scale *s)
{
    return s->tare(s->pan); //! CWE-690
}

int scale_weigh(struct scale *s, double *grams)
{
    return s->weigh(s->pan, grams); //! none CWE-690
}

static void print(struct scale *s, char *text)
{
    (void)s;
    puts(text);
    free(text); //! CWE-762
}

static void show(struct scale *s, char *text)
{
    puts(text);
    s->freetext(text); //! none
}

void scale_print(struct scale *s, int twice)
{
    char *text = s->label(s->pan);

    if (!text)
        return;
    if (twice)
        show(s, s->label(s->pan));
    print(s, text);
}
