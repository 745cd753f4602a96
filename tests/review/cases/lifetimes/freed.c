// Blocks used after they were given back, counts, phases, blocks that moved.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
struct drv { void *dl; char *name; int refs; struct drv *next; int (*start)(void *); void (*stop)(void *); int (*send)(void *, int); void (*destroy)(void *); void *ctx; pthread_mutex_t lock; };
static struct drv *list;
static void drv_free(struct drv *d) { free(d->name); free(d); }
void report(struct drv *d)
{
    dlclose(d->dl);
    drv_free(d);
    fprintf(stderr, "freed %s\n", d->name); //! CWE-416
}
void report_b(struct drv *d)
{
    dlclose(d->dl);
    fprintf(stderr, "freeing %s\n", d->name); //! none
    drv_free(d);
}
void all(void)
{
    for (struct drv *d = list; d; d = d->next) //! CWE-416
        drv_free(d);
}
void all_b(void)
{
    struct drv *n;
    for (struct drv *d = list; d; d = n) { //! none
        n = d->next;
        drv_free(d);
    }
}
void remove_head(const char *name)
{
    struct drv *d = list;
    if (d && !strcmp(d->name, name)) {
        drv_free(d);
        return;
    }
}
void remove_head_b(const char *name)
{
    struct drv *d = list;
    if (d && !strcmp(d->name, name)) {
        list = d->next;
        drv_free(d); //! none
    }
}
int conditional(char *text, int bad)
{
    char *copy = strdup(text);
    if (!copy)
        return -1;
    if (bad)
        free(copy);
    void *h = dlopen(text, RTLD_NOW);
    if (!h && bad)
        fprintf(stderr, "%s\n", copy); //! CWE-416
    if (!bad)
        free(copy); //! none
    if (h)
        dlclose(h);
    return 0;
}
struct tab { struct ent { char *name; void *h; } *ents; int n, cap; };
static struct ent *tab_add(struct tab *t, const char *name)
{
    if (t->n == t->cap) {
        struct ent *more = realloc(t->ents, (t->cap + 8) * sizeof *more);
        if (!more)
            return NULL;
        t->ents = more;
        t->cap += 8;
    }
    t->ents[t->n].name = strdup(name);
    return &t->ents[t->n++];
}
int two(struct tab *t)
{
    struct ent *a = tab_add(t, "core");
    struct ent *b = tab_add(t, "extra");
    if (!a || !b)
        return -1;
    a->h = dlopen(a->name, RTLD_NOW); //! CWE-416/825
    b->h = NULL;
    return 0;
}
int two_b(struct tab *t)
{
    struct ent *a = tab_add(t, "core");
    if (!a)
        return -1;
    a->h = dlopen(a->name, RTLD_NOW); //! none
    struct ent *b = tab_add(t, "extra");
    if (!b)
        return -1;
    b->h = NULL;
    return 0;
}
char *grow(char *buf, size_t n)
{
    char *end = buf + strlen(buf);
    char *more = realloc(buf, n);
    if (!more)
        return NULL;
    strcpy(end, ".so"); //! CWE-416/825
    return more;
}
char *grow_b(char *buf, size_t n)
{
    size_t end = strlen(buf);
    char *more = realloc(buf, n);
    if (!more)
        return NULL;
    strcpy(more + end, ".so"); //! none
    return more;
}
struct drv *get(const char *name)
{
    for (struct drv *d = list; d; d = d->next)
        if (!strcmp(d->name, name)) {
            d->refs++;
            return d;
        }
    return NULL;
}
void put(struct drv *d)
{
    if (d && --d->refs == 0) {
        dlclose(d->dl);
        drv_free(d);
    }
}
int send(const char *name, int v)
{
    struct drv *d = get(name);
    if (!d)
        return -1;
    if (!d->send)
        return -1; //! CWE-911/772/401/404
    int rc = d->send(d->ctx, v);
    put(d);
    return rc;
}
int send_b(const char *name, int v)
{
    struct drv *d = get(name);
    if (!d)
        return -1;
    int rc = d->send ? d->send(d->ctx, v) : -1;
    put(d);
    return rc; //! none
}
int send_twice(const char *name, int v)
{
    struct drv *d = get(name);
    if (!d)
        return -1;
    int rc = d->send(d->ctx, v);
    put(d);
    if (rc < 0)
        fprintf(stderr, "%s failed\n", d->name);
    return rc;
}
void stop(struct drv *d)
{
    free(d->ctx);
    d->stop(d->ctx); //! CWE-416/826/825/666
    dlclose(d->dl);
}
void stop_b(struct drv *d)
{
    d->stop(d->ctx); //! none
    free(d->ctx);
    dlclose(d->dl);
}
void destroyed_lock(struct drv *d)
{
    pthread_mutex_lock(&d->lock);
    dlclose(d->dl);
    free(d);
    pthread_mutex_unlock(&d->lock); //! CWE-416/825/672/667
}
void destroyed_lock_b(struct drv *d)
{
    pthread_mutex_lock(&d->lock);
    dlclose(d->dl);
    pthread_mutex_unlock(&d->lock); //! none
    pthread_mutex_destroy(&d->lock);
    free(d);
}
int stat_after(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    void *h = dlopen(path, RTLD_NOW);
    close(fd);
    if (h && fstat(fd, &st) == 0) //! CWE-910/672/416
        printf("%ld\n", (long)st.st_size);
    if (h)
        dlclose(h);
    return 0;
}
int after_destroy(struct drv *d)
{
    d->destroy(d->ctx);
    return d->send(d->ctx, 0);
}
int after_destroy_b(struct drv *d)
{
    int rc = d->send(d->ctx, 0); //! none
    d->destroy(d->ctx);
    return rc;
}
void freed_member(struct drv *d)
{
    free(d->name);
    d->name = NULL;
    if (d->start(d->ctx) != 0)
        drv_free(d); //! none
}
static char *cached;
const char *label(const char *s)
{
    free(cached);
    cached = strdup(s);
    return cached;
}
int labels(void)
{
    const char *a = label("one");
    const char *b = label("two");
    return strcmp(a, b); //! CWE-416/825
}
int file_after(const char *p)
{
    char line[80];
    FILE *f = fopen(p, "r");
    if (!f)
        return -1;
    fclose(f);
    if (!fgets(line, sizeof line, f)) //! CWE-910/416/672/825
        return -1;
    void *h = dlopen("libx.so", RTLD_NOW);
    if (h) dlclose(h);
    return 0;
}
