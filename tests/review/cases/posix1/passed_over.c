#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <dirent.h>
static void *mods[64]; static int nmods;
int load_all(const char *const *names, int n){
    for (int i = 0; i < n; i++) {
        void *h = dlopen(names[i], RTLD_NOW);
        if (!h) //! CWE-391
            continue;
        if (nmods < 64) mods[nmods++] = h;
    }
    return 0;
}
int load_all_ok(const char *const *names, int n){
    int failed = 0;
    for (int i = 0; i < n; i++) {
        void *h = dlopen(names[i], RTLD_NOW);
        if (!h) { failed++; continue; } //! none
        if (nmods < 64) mods[nmods++] = h;
    }
    return failed ? -1 : 0;
}
void *first_of(const char *const *names, int n){
    for (int i = 0; i < n; i++) {
        void *h = dlopen(names[i], RTLD_NOW);
        if (!h) continue; //! none
        return h;
    }
    return NULL;
}
int load_all2(const char *const *names, int n){
    for (int i = 0; i < n && nmods < 64; i++) {
        void *h = dlopen(names[i], RTLD_NOW); //! CWE-391
        if (h)
            mods[nmods++] = h;
    }
    return nmods;
}
