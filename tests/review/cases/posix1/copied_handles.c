#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
struct codec { void *encoder; void *decoder; };
int codec_open(struct codec *c, const char *enc){
    c->encoder = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!c->encoder) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    c->decoder = c->encoder;
    return 0;
}
void codec_close(struct codec *c){
    if (c->encoder) dlclose(c->encoder);
    if (c->decoder) dlclose(c->decoder); //! CWE-415/675
    c->encoder = c->decoder = NULL;
}
struct codec2 { void *encoder; void *decoder; };
void codec2_open(struct codec2 *c){
    c->encoder = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!c->encoder) { fprintf(stderr, "%s\n", dlerror()); return; }
    c->decoder = c->encoder;
}
void codec2_close(struct codec2 *c){
    if (c->decoder && c->decoder != c->encoder) dlclose(c->decoder); //! none
    if (c->encoder) dlclose(c->encoder);
    c->encoder = c->decoder = NULL;
}
struct codec3 { void *encoder; void *decoder; };
void codec3_open(struct codec3 *c){
    c->encoder = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!c->encoder) { fprintf(stderr, "%s\n", dlerror()); return; }
    c->decoder = c->encoder;
}
void codec3_close(struct codec3 *c){
    if (c->encoder) dlclose(c->encoder); //! none
    c->encoder = c->decoder = NULL;
}
static void *slots[8];
int slot_open(int i, const char *n){
    slots[i] = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!slots[i]) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    return 0;
}
void slot_share(int from, int to){ slots[to] = slots[from]; }
void slots_close(void){
    for (int i = 0; i < 8; i++) if (slots[i]) dlclose(slots[i]); //! CWE-415/675
}
static void *moved[8]; static int nmoved;
void moved_add(void *h){ if (nmoved < 8) moved[nmoved++] = h; }
int moved_open(void){ void *h = dlopen("/usr/lib/c/enc.so", RTLD_NOW); if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; } moved_add(h); return 0; }
void moved_drop(int i){ dlclose(moved[i]); moved[i] = moved[--nmoved]; }
void moved_close(void){
    for (int i = 0; i < nmoved; i++) if (moved[i]) dlclose(moved[i]); //! none CWE-415/675
}
