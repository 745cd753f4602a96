// Addresses that do not live as long as who holds them, and blocks that were never allocated.
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct conf { const char *path; int level; };
static const char *last_path;
static struct conf *active;
const char *plugin_path(const char *name)
{
    char buf[256];
    snprintf(buf, sizeof buf, "/usr/lib/host/%s.so", name);
    return buf; //! CWE-562/825
}
const char *plugin_path_b(const char *name)
{
    static char buf[256];
    snprintf(buf, sizeof buf, "/usr/lib/host/%s.so", name);
    return buf; //! none
}
const char *plugin_path_2(const char *name)
{
    char buf[256];
    char *p = buf;
    snprintf(buf, sizeof buf, "/usr/lib/host/%s.so", name);
    p = strrchr(buf, '/');
    return p ? p + 1 : NULL; //! CWE-562/825
}
void fill(struct conf *c, const char *name)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s.so", name);
    c->path = buf; //! CWE-562/825
    c->level = 1;
}
void fill_b(struct conf *c, const char *name)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s.so", name);
    c->path = strdup(buf); //! none
    c->level = 1;
}
void remember(const char *name)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s.so", name);
    last_path = buf; //! CWE-562/825
}
void remember_for_now(const char *name)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s.so", name);
    last_path = buf; //! none
    printf("%s\n", last_path);
    last_path = NULL;
}
void out(const char *name, char **result)
{
    char buf[64];
    snprintf(buf, sizeof buf, "%s.so", name);
    *result = buf; //! CWE-562/825
}
void use_conf(const char *p)
{
    struct conf c = { p, 2 };
    active = &c; //! CWE-562/825
}
struct conf *conf_of(const char *p)
{
    struct conf c = { p, 2 };
    return &c; //! CWE-562/825
}
struct conf *conf_lit(const char *p)
{
    struct conf *c = &(struct conf){ p, 2 };
    return c; //! CWE-562/825
}
char *on_stack(const char *name)
{
    char *p = alloca(strlen(name) + 4);
    sprintf(p, "%s.so", name);
    return p; //! CWE-562/825
}
static void *worker(void *a)
{
    struct conf *c = a;
    void *h = dlopen(c->path, RTLD_NOW);
    if (h)
        dlclose(h);
    return NULL;
}
int background(const char *path)
{
    pthread_t t;
    struct conf c = { path, 3 };
    if (pthread_create(&t, NULL, worker, &c)) //! CWE-562/825/416
        return -1;
    pthread_detach(t);
    return 0;
}
int background_b(const char *path)
{
    pthread_t t;
    struct conf c = { path, 3 };
    if (pthread_create(&t, NULL, worker, &c)) //! none
        return -1;
    pthread_join(t, NULL);
    return 0;
}
int register_user(const char *path)
{
    char tag[16];
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    void (*reg)(const char *) = (void (*)(const char *))dlsym(h, "set_tag");
    if (reg) {
        strcpy(tag, "host");
        reg(tag);
    }
    return 0;
}
void free_stack(int n)
{
    char small[64];
    char *p = small;
    if (n > 64)
        p = malloc(n);
    memset(p, 0, 64);
    free(p); //! CWE-590/763/762
}
void free_stack_b(int n)
{
    char small[64];
    char *p = small;
    if (n > 64)
        p = malloc(n);
    if (!p)
        return;
    memset(p, 0, 64);
    if (p != small)
        free(p); //! none
}
void free_inside(const char *s)
{
    char *p = strdup(s);
    if (!p)
        return;
    while (*p == ' ')
        p++;
    void *h = dlopen(p, RTLD_NOW);
    if (h)
        dlclose(h);
    free(p); //! CWE-763/761
}
void free_inside_b(const char *s)
{
    char *copy = strdup(s), *p = copy;
    if (!p)
        return;
    while (*p == ' ')
        p++;
    void *h = dlopen(p, RTLD_NOW);
    if (h)
        dlclose(h);
    free(copy); //! none
}
void free_env(void)
{
    char *p = getenv("HOST_PLUGIN");
    if (!p)
        p = strdup("/usr/lib/host/default.so");
    void *h = p ? dlopen(p, RTLD_NOW) : NULL;
    if (h)
        dlclose(h);
    free(p); //! CWE-590/763/762
}
struct mod { char *name; void *h; };
struct mod *mod_new(const char *path)
{
    struct mod *m = malloc(sizeof *m);
    if (!m)
        return NULL;
    m->h = dlopen(path, RTLD_NOW);
    m->name = m->h ? strdup(path) : "unknown";
    return m;
}
void mod_free(struct mod *m)
{
    free(m->name);
    free(m);
}
void token(char *line)
{
    char *copy = strdup(line);
    if (!copy)
        return;
    char *word = strtok(copy, " ");
    word = strtok(NULL, " ");
    free(word); //! CWE-763/761/590
}
static char banner[32];
void free_static(void)
{
    char *b = banner;
    free(b); //! CWE-590/763
}
