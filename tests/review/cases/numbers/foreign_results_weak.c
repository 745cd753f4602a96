/* counts, lengths and texts that a plug-in answers with */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct chan { int id; char label[24]; };
struct ops {
    int (*count)(void *ctx);
    int (*describe)(void *ctx, int i, struct chan *out);
    const char *(*name)(void *ctx);
    int (*read)(void *ctx, char *buf, int room);
    int (*query)(void *ctx, char *buf, size_t *len);
    unsigned (*slot)(void *ctx);
    int (*size)(void *ctx, unsigned *w, unsigned *h);
    void (*render)(void *ctx, uint8_t *px);
    void *ctx;
};
struct host { struct chan chans[16]; int nchans; void *slots[8]; char name[32]; };

void count_into_fixed(struct host *h, const struct ops *p) {
    int n = p->count(p->ctx);
    for (int i = 0; i < n; i++)
        p->describe(p->ctx, i, &h->chans[i]); //! CWE-787
    h->nchans = n;
}

int terminate_answer(const struct ops *p, FILE *out) {
    char buf[64];
    int n = p->read(p->ctx, buf, sizeof buf - 1);
    buf[n] = 0; //! CWE-787/129/124
    return fputs(buf, out);
}

int write_answer(const struct ops *p, FILE *out) {
    char buf[64];
    int n = p->read(p->ctx, buf, sizeof buf);
    return fwrite(buf, 1, n, out) > 0; //! CWE-195/125/194/252
}

int out_length(const struct ops *p) {
    char buf[64]; size_t len = sizeof buf;
    if (p->query(p->ctx, buf, &len) != 0) return -1;
    buf[len] = 0; //! CWE-787/193
    return puts(buf);
}

void slot_index(struct host *h, const struct ops *p, void *obj) {
    unsigned s = p->slot(p->ctx);
    h->slots[s] = obj; //! CWE-787/129
}

void copy_name(struct host *h, const struct ops *p) {
    const char *n = p->name(p->ctx);
    if (n) strcpy(h->name, n); //! CWE-120/787
}

void unterminated(struct host *h, const struct ops *p) {
    const char *n = p->name(p->ctx);
    if (!n) return;
    strncpy(h->name, n, sizeof h->name);
    printf("%s\n", h->name);
}

uint8_t *picture(const struct ops *p) {
    unsigned w, h;
    if (p->size(p->ctx, &w, &h) != 0) return NULL;
    uint8_t *px = malloc(w * h * 4); //! CWE-190/131/680
    if (px) p->render(p->ctx, px);
    return px;
}

struct chan *table_for(const struct ops *p) {
    int n = p->count(p->ctx);
    struct chan *all = malloc(n * sizeof *all); //! CWE-190/194/195/789/131
    if (!all) return NULL;
    for (int i = 0; i < n; i++) all[i].id = i;
    return all;
}

int count_changes(const struct ops *p) {
    int n = p->count(p->ctx);
    if (n < 1 || n > 100) return -1;
    struct chan *all = calloc(n, sizeof *all);
    if (!all) return -1;
    for (int i = 0; i < p->count(p->ctx); i++)
        all[i].id = i;
    free(all);
    return 0;
}

int main(void) {
    struct host h; memset(&h, 0, sizeof h);
    void *lib = dlopen("/usr/lib/host/codec.so", RTLD_NOW);
    if (!lib) return 1;
    const struct ops *p = dlsym(lib, "codec_ops");
    if (!p) return 1;
    count_into_fixed(&h, p); count_into_fixed_ok(&h, p); terminate_answer(p, stdout); terminate_answer_ok(p, stdout);
    write_answer(p, stdout); write_answer_ok(p, stdout); out_length(p); out_length_ok(p); slot_index(&h, p, lib); slot_index_ok(&h, p, lib);
    copy_name(&h, p); copy_name_ok(&h, p); unterminated(&h, p); unterminated_ok(&h, p); free(picture(p)); free(picture_ok(p));
    free(table_for(p)); free(table_for_ok(p)); count_changes(p); count_changes_ok(p);
    return 0;
}
