/* A jukebox: names of tracks are folded by helpers into arrays of their callers; pages come from a device. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TRACK 20
#define SLOTS 12

struct song {
    struct song *next;
    unsigned plays;
    char title[];
};

static struct {
    void *lib;
    int (*page)(unsigned number, void *to, unsigned bytes);
} box;

static void *playing[SLOTS], *queued[SLOTS];
static int nplaying, nqueued;

static int lower(char *to, const char *from)
{
    size_t i;

    for (i = 0; from[i]; i++) {
        if (i == TRACK)
            return -1;
        to[i] = (char)tolower((unsigned char)from[i]);
    }
    to[i] = '\0'; //! CWE-787
    return 0;
}

static int upper(char *to, const char *from)
{
    size_t i;

    for (i = 0; from[i]; i++) {
        if (i == TRACK - 1)
            return -1;
        to[i] = (char)toupper((unsigned char)from[i]);
    }
    to[i] = '\0'; //! none
    return 0;
}

int box_open(const char *wanted)
{
    char low[TRACK], up[TRACK];

    if (lower(low, wanted) != 0 || upper(up, wanted) != 0 || strcmp(low, up) == 0)
        return -1;
    box.lib = dlopen("/usr/lib/jukebox/box.so", RTLD_NOW);
    if (!box.lib)
        return -1;
    *(void **)&box.page = dlsym(box.lib, "box_page");
    return box.page ? 0 : -1;
}

int box_check(unsigned number)
{
    unsigned char page[128];

    return box.page(number, page, 2 * 128) == 128 ? page[0] : -1; //! CWE-787
}

int box_read(unsigned number)
{
    unsigned char page[128];

    return box.page(number, page, sizeof page) == 128 ? page[1] : -1; //! none
}

int box_wait(unsigned number)
{
    unsigned char page[100];

    return box.page(number, page, 5000) == 0 ? page[1] : -1; //! none
}

int box_play(const char *name)
{
    char path[64];
    void *h;

    if (nplaying > SLOTS || strlen(name) > 20 || strchr(name, '/'))
        return -1;
    strcpy(path, "/usr/lib/jukebox/");
    strcat(path, name);
    h = dlopen(path, RTLD_NOW);
    if (!h || box.page(0, path, 0) != 0)
        return -1;
    playing[nplaying++] = h; //! CWE-787
    return 0;
}

int box_queue(const char *name)
{
    char path[64];
    void *h;

    if (nqueued >= SLOTS || strlen(name) > 20 || strchr(name, '/'))
        return -1;
    strcpy(path, "/usr/lib/jukebox/");
    strcat(path, name);
    h = dlopen(path, RTLD_NOW);
    if (!h || box.page(0, path, 0) != 0)
        return -1;
    queued[nqueued++] = h; //! none
    return 0;
}

struct song *song_new(const char *title)
{
    struct song *s = malloc(sizeof *s + strlen(title));

    if (s)
        strcpy(s->title, title); //! CWE-787
    return s;
}

struct song *song_copy(const char *title)
{
    struct song *s = malloc(sizeof *s + strlen(title) + 1);

    if (s)
        strcpy(s->title, title); //! none
    return s;
}

uint64_t *counts_short(uint32_t n)
{
    uint64_t *all = malloc((uint32_t)(n * sizeof *all));

    if (!all)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        all[i] = 0; //! CWE-787
    return all;
}

uint64_t *counts(uint32_t n)
{
    uint64_t *all = malloc(n * sizeof *all);

    if (!all)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        all[i] = 0; //! none
    return all;
}
