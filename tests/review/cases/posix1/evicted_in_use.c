#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#define N 4
struct slot { char name[32]; void *handle; int users; unsigned stamp; };
static struct slot cache[N]; static unsigned now;
void *cache_get(const char *name){
    struct slot *old = &cache[0];
    for (int i = 0; i < N; i++) {
        if (cache[i].handle && strcmp(cache[i].name, name) == 0) { cache[i].users++; cache[i].stamp = ++now; return cache[i].handle; }
        if (cache[i].stamp < old->stamp) old = &cache[i];
    }
    if (old->handle)
        dlclose(old->handle); //! CWE-416/672/911
    old->handle = dlopen(name, RTLD_NOW);
    if (!old->handle) { fprintf(stderr, "%s\n", dlerror()); return NULL; }
    snprintf(old->name, sizeof old->name, "%s", name);
    old->users = 1; old->stamp = ++now;
    return old->handle;
}
void cache_put(void *h){
    for (int i = 0; i < N; i++) if (cache[i].handle == h && cache[i].users > 0) cache[i].users--;
}
static struct slot kept[N];
void *kept_get(const char *name){
    struct slot *old = NULL;
    for (int i = 0; i < N; i++) {
        if (kept[i].handle && strcmp(kept[i].name, name) == 0) { kept[i].users++; return kept[i].handle; }
        if (kept[i].users == 0 && (!old || kept[i].stamp < old->stamp)) old = &kept[i];
    }
    if (!old) return NULL;
    if (old->handle) dlclose(old->handle); //! none
    old->handle = dlopen(name, RTLD_NOW);
    if (!old->handle) { fprintf(stderr, "%s\n", dlerror()); return NULL; }
    snprintf(old->name, sizeof old->name, "%s", name);
    old->users = 1;
    return old->handle;
}
void kept_put(void *h){
    for (int i = 0; i < N; i++) if (kept[i].handle == h && kept[i].users > 0) kept[i].users--;
}
