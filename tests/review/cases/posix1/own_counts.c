#include <dlfcn.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
struct mod { int refs; void *handle; int (*init)(void); char name[32]; };
static struct mod *table[16];
static struct mod *mod_ref(struct mod *m){ m->refs++; return m; }
static void mod_unref(struct mod *m){ if (--m->refs == 0) { dlclose(m->handle); free(m); } }
static struct mod *mod_find(const char *n){
    for (int i = 0; i < 16; i++) if (table[i] && !strcmp(table[i]->name, n)) return table[i];
    return NULL;
}
int mod_start(const char *n){
    struct mod *m = mod_find(n);
    if (!m) return -1;
    mod_ref(m);
    if (m->init() != 0) {
        fprintf(stderr, "init of %s failed\n", n);
        return -2; //! CWE-911
    }
    mod_unref(m);
    return 0;
}
int mod_start_good(const char *n){
    struct mod *m = mod_find(n);
    if (!m) return -1;
    mod_ref(m);
    if (m->init() != 0) {
        fprintf(stderr, "init of %s failed\n", n);
        mod_unref(m);
        return -2; //! none
    }
    mod_unref(m);
    return 0;
}
int mod_peek(const char *n){
    struct mod *m = mod_find(n);
    if (!m) return -1;
    int r = m->init();
    mod_unref(m);
    return r;
}
struct user { struct mod *m; };
int user_attach(struct user *u, const char *n){
    struct mod *m = mod_find(n);
    if (!m) return -1;
    u->m = mod_ref(m);
    return 0; //! none
}
void user_detach(struct user *u){ mod_unref(u->m); u->m = NULL; } //! none
static struct mod *mod_get(const char *n){
    struct mod *m = mod_find(n);
    if (m) { m->refs++; return m; }
    m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->handle = dlopen("/usr/lib/m.so", RTLD_NOW);
    if (!m->handle) { fprintf(stderr, "%s\n", dlerror()); free(m); return NULL; }
    m->refs = 1;
    return m;
}
int mod_swap(struct mod **slot, const char *n){
    struct mod *next = mod_get(n);
    if (!next) { fprintf(stderr, "keeping %s\n", (*slot)->name); return -1; }
    *slot = next; //! CWE-911
    return 0;
}
int mod_swap_good(struct mod **slot, const char *n){
    struct mod *next = mod_get(n);
    if (!next) { fprintf(stderr, "keeping %s\n", (*slot)->name); return -1; }
    mod_unref(*slot);
    *slot = next; //! none
    return 0;
}
int mod_once(const char *n){
    struct mod *m = mod_get(n);
    if (!m) return -1; //! none
    if (!m->init) return -1; //! CWE-911
    int r = m->init();
    mod_unref(m);
    return r;
}
