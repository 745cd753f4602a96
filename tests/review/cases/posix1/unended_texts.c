#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
struct rec { char name[16]; uint32_t kind; };
int load_list(FILE *f){
    struct rec r;
    while (fread(&r, sizeof r, 1, f) == 1) {
        char path[64];
        snprintf(path, sizeof path, "/usr/lib/app/%s.so", r.name); //! CWE-170
        void *h = dlopen(path, RTLD_NOW);
        if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    }
    return 0;
}
int load_list_ok(FILE *f){
    struct rec r;
    while (fread(&r, sizeof r, 1, f) == 1) {
        char path[64];
        snprintf(path, sizeof path, "/usr/lib/app/%.16s.so", r.name); //! none CWE-170
        void *h = dlopen(path, RTLD_NOW);
        if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    }
    return 0;
}
int load_list_ok2(FILE *f){
    struct rec r;
    while (fread(&r, sizeof r, 1, f) == 1) {
        char path[64];
        r.name[15] = 0;
        snprintf(path, sizeof path, "/usr/lib/app/%s.so", r.name); //! none CWE-170
        void *h = dlopen(path, RTLD_NOW);
        if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    }
    return 0;
}
int load_first(FILE *f){
    char buf[128];
    size_t n = fread(buf, 1, sizeof buf, f);
    if (n == 0) return -1;
    char *nl = strchr(buf, '\n'); //! CWE-170
    if (nl) *nl = 0;
    void *h = dlopen("/usr/lib/x.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    return 0;
}
int load_first_ok(FILE *f){
    char buf[128];
    size_t n = fread(buf, 1, sizeof buf - 1, f);
    buf[n] = 0;
    char *nl = strchr(buf, '\n'); //! none CWE-170
    if (nl) *nl = 0;
    return 0;
}
static int is_sound(const struct rec *one){ return memchr(one->name, 0, sizeof one->name) != NULL; }
int load_list_ok3(FILE *f){
    struct rec r;
    while (fread(&r, sizeof r, 1, f) == 1) {
        if (!is_sound(&r)) return -1;
        printf("%s\n", r.name); //! none
    }
    return 0;
}
struct entry { char label[32]; };
int load_copy(const char *label, struct entry *e){
    char own[32];
    strncpy(own, label, sizeof own);
    printf("%s\n", own); //! CWE-170
    memset(e, 0, sizeof *e);
    strncpy(e->label, label, sizeof e->label - 1);
    printf("%s\n", e->label); //! none
    return 0;
}
int load_copy_ok(const char *label){
    char own[32], other[32] = "";
    strncpy(own, label, sizeof own);
    own[sizeof own - 1] = '\0';
    printf("%s\n", own); //! none
    strncpy(other, label, sizeof other - 1);
    printf("%s\n", other); //! none
    return 0;
}
int load_one(FILE *f){
    struct rec r;
    if (fread(&r, sizeof(struct rec), 1, f) != 1) return -1;
    printf("%s\n", r.name); //! CWE-170
    return 0;
}
