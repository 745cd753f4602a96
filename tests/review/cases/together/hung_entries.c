/* Fonts of a label printer, one module each, in a table by their names: whoever is done gives a font back. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct font {
    struct font *next;
    char *name;
    void *so;
    unsigned users;
};

struct glyphs {
    struct glyphs *next;
    char *name;
    unsigned users;
};

static struct font *fonts[16];
static struct glyphs *all;

static unsigned slot(const char *s)
{
    unsigned n = 0;

    while (*s)
        n = n * 31 + (unsigned char)*s++;
    return n % 16;
}

struct font *font_get(const char *name)
{
    struct font *f;

    for (f = fonts[slot(name)]; f; f = f->next)
        if (!strcmp(f->name, name)) {
            f->users++;
            return f;
        }
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->name = strdup(name);
    f->so = dlopen("/usr/lib/labels/font.so", RTLD_NOW);
    if (!f->name || !f->so) {
        if (f->so)
            dlclose(f->so);
        free(f->name);
        free(f);
        return NULL;
    }
    f->users = 1;
    f->next = fonts[slot(name)];
    fonts[slot(name)] = f;
    return f;
}

static void font_end(struct font *f)
{
    dlclose(f->so);
    free(f->name);
    free(f);
}

void font_put(struct font *f)
{
    if (f && --f->users == 0)
        font_end(f); //! CWE-416
}

struct glyphs *glyphs_new(const char *name)
{
    struct glyphs *g = calloc(1, sizeof *g);

    if (!g)
        return NULL;
    g->name = strdup(name);
    g->next = all;
    all = g;
    return g;
}

void glyphs_put(struct glyphs *g)
{
    struct glyphs **at;

    for (at = &all; *at; at = &(*at)->next)
        if (*at == g) {
            *at = g->next;
            break;
        }
    free(g->name);
    free(g); //! none
}
