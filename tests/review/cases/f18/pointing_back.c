#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct driver { char *path; void *image; int (*send)(int); struct driver *next; };
struct port { int number; struct driver *through; struct port *next; };
struct hook { int event; struct driver *of; };
struct note { char text[32]; struct driver *about; struct note *next; };

static struct driver *drivers;
static struct port *ports;
static struct hook hooks[16];
static int hook_count;
static struct note *notes;

static void driver_end(struct driver *d)
{
    if (d->image)
        dlclose(d->image);
    free(d->path);
    free(d);
}

static struct driver *driver_find(const char *path)
{
    for (struct driver *d = drivers; d; d = d->next)
        if (strcmp(d->path, path) == 0)
            return d;
    return NULL;
}

int port_open(int number, const char *path)
{
    struct port *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    p->number = number;
    p->through = driver_find(path);
    if (!p->through) {
        free(p);
        return -1;
    }
    p->next = ports;
    ports = p;
    return 0;
}

int hook_add(int event, const char *path)
{
    struct driver *d = driver_find(path);
    if (!d || hook_count == 16)
        return -1;
    hooks[hook_count].event = event;
    hooks[hook_count].of = d;
    hook_count++;
    return 0;
}

int note_add(const char *text, const char *path)
{
    struct note *n = calloc(1, sizeof *n);
    if (!n)
        return -1;
    strncpy(n->text, text, sizeof n->text - 1);
    n->about = driver_find(path);
    n->next = notes;
    notes = n;
    return 0;
}

int port_send(int number, int value)
{
    for (struct port *p = ports; p; p = p->next)
        if (p->number == number)
            return p->through->send(value);
    return -1;
}

void hook_run(int event)
{
    for (int i = 0; i < hook_count; i++)
        if (hooks[i].event == event)
            hooks[i].of->send(event);
}

const char *note_path(void)
{
    return notes && notes->about ? notes->about->path : "";
}

static void forget_hooks(struct driver *d)
{
    for (int i = 0; i < hook_count; i++)
        if (hooks[i].of == d)
            hooks[i--] = hooks[--hook_count];
}

static void forget_notes(struct driver *d)
{
    for (struct note *n = notes; n; n = n->next)
        if (n->about == d)
            n->about = NULL;
}

void driver_remove(const char *path)
{
    struct driver **where = &drivers;
    while (*where && strcmp((*where)->path, path))
        where = &(*where)->next;
    struct driver *gone = *where;
    if (!gone)
        return;
    *where = gone->next;
    forget_hooks(gone);
    forget_notes(gone);
    driver_end(gone); //! CWE-416
}

void all_end(void)
{
    while (drivers) {
        struct driver *d = drivers;
        drivers = d->next;
        driver_end(d); //! none CWE-416
    }
}
