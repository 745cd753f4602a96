/* rulepack.c - packs of rules are .so files with a table */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define MAXRULES 64
struct rule { char id[24]; int (*match)(const char *); };
struct pack { uint32_t n; const struct { const char *id; int (*match)(const char *); } *rules; };
static struct rule table[MAXRULES];
static unsigned used;

int pack_load(const char *path)
{
    const struct pack *pk;
    uint32_t i;
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    pk = dlsym(h, "rule_pack");
    if (!pk) {
        dlclose(h);
        return -1;
    }
    if (pk->n > MAXRULES - used) {
        dlclose(h);
        return -1;
    }
    for (i = 0; i < pk->n; i++) {
        if (strlen(pk->rules[i].id) >= sizeof table[used].id)
            continue;
        strcpy(table[used].id, pk->rules[i].id);
        table[used].match = pk->rules[i].match;
        used++;
    }  //! none
    return (int)pk->n;
}
char *pack_path(const char *dir, const char *name)
{
    char *r = malloc(strlen(dir) + strlen(name) + 5);  //! none
    if (r == NULL)
        return NULL;
    strcpy(r, dir);
    strcat(r, "/");
    strcat(r, name);
    strcat(r, ".so");
    return r;
}
