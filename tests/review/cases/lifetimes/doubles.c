// Things that are closed, freed or given back twice, and their twins.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct plugin { void *handle; char *name; void (*fini)(void); int refs; struct plugin *next; };
static struct plugin table[16];
static int used;
void unload_one(int i)
{
    if (i < 0 || i >= used)
        return;
    if (table[i].handle)
        dlclose(table[i].handle);
    free(table[i].name);
}
void unload_all(void)
{
    for (int i = 0; i < used; i++) {
        if (table[i].handle)
            dlclose(table[i].handle);
    }
}
static struct plugin table_b[16];
static int used_b;
void unload_one_b(int i)
{
    if (i < 0 || i >= used_b)
        return;
    if (table_b[i].handle)
        dlclose(table_b[i].handle);
    table_b[i].handle = NULL;
}
void unload_all_b(void)
{
    for (int i = 0; i < used_b; i++) {
        if (table_b[i].handle)
            dlclose(table_b[i].handle); //! none
    }
}
int copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    char b[512];
    int rc = -1;
    if (in < 0 || out < 0)
        goto done;
    ssize_t n = read(in, b, sizeof b);
    close(in);
    if (n > 0 && write(out, b, n) == n)
        rc = 0;
done:
    if (in >= 0)
        close(in); //! CWE-415/675/672/1341/910
    if (out >= 0)
        close(out); //! none
    return rc;
}
int head(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    FILE *f = fdopen(fd, "r");
    if (!f) {
        close(fd); //! none
        return -1;
    }
    int c = fgetc(f);
    fclose(f);
    close(fd); //! CWE-415/675/672/1341/910
    return c;
}
static void drop(struct plugin *p)
{
    dlclose(p->handle);
    free(p->name);
    free(p);
}
int probe(const char *path)
{
    struct plugin *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    p->handle = dlopen(path, RTLD_NOW);
    if (!p->handle) {
        free(p);
        return -1;
    }
    int (*ok)(void) = (int (*)(void))dlsym(p->handle, "selftest");
    if (!ok || ok() != 0)
        drop(p);
    else
        printf("%s ok\n", path);
    drop(p); //! CWE-415/416/675
    return 0;
}
int probe_b(const char *path)
{
    struct plugin *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    p->handle = dlopen(path, RTLD_NOW);
    if (!p->handle) {
        free(p);
        return -1;
    }
    int (*ok)(void) = (int (*)(void))dlsym(p->handle, "selftest");
    if (!ok || ok() != 0) {
        drop(p);
        return -1;
    }
    drop(p); //! none
    return 0;
}
void alias(struct plugin *a, struct plugin *b)
{
    b->handle = a->handle;
    dlclose(a->handle);
    a->handle = NULL;
    if (b->handle)
        dlclose(b->handle); //! CWE-415/675/672/416/763
}
void unref(struct plugin *p)
{
    if (--p->refs == 0) {
        dlclose(p->handle);
        free(p);
    }
    printf("refs now %d\n", p->refs); //! CWE-416
}
void unref_b(struct plugin *p)
{
    int left = --p->refs;
    if (left == 0) {
        dlclose(p->handle);
        free(p);
    }
    printf("refs now %d\n", left); //! none
}
static int load_into(struct plugin *p, const char *path)
{
    p->handle = dlopen(path, RTLD_NOW);
    if (!p->handle)
        return -1;
    p->fini = (void (*)(void))dlsym(p->handle, "fini");
    if (!p->fini) {
        dlclose(p->handle);
        return -1;
    }
    return 0;
}
int load_main(const char *path)
{
    struct plugin p = {0};
    if (load_into(&p, path) < 0) {
        if (p.handle)
            dlclose(p.handle); //! CWE-415/675/672/416/763
        return -1;
    }
    p.fini();
    dlclose(p.handle); //! none
    return 0;
}
void finish(struct plugin *p)
{
    free(p->name);
    for (int i = 0; i < 2; i++)
        free(p->name); //! CWE-415/416
}
