/* an index of plug-ins in a file of our own format: counts, lengths and offsets from its header */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
struct head { char magic[4]; uint32_t count; uint32_t size; int32_t first; uint8_t log2; uint8_t kind; uint16_t namelen; };
struct rec { uint32_t off, len, next; };
struct index { struct head h; struct rec recs[32]; unsigned used; char title[64]; };
typedef void (*handler)(const char *);
static handler handlers[8];

int fill_fixed(FILE *f, struct index *ix) {
    if (fread(&ix->h, sizeof ix->h, 1, f) != 1) return -1;
    for (uint32_t i = 0; i < ix->h.count; i++)
        if (fread(&ix->recs[i], sizeof ix->recs[i], 1, f) != 1) return -1; //! CWE-787
    return 0;
}

int upper_only(FILE *f, struct index *ix) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return -1;
    if (h.first >= 32) return -1;
    return (int)ix->recs[h.first].off; //! CWE-125
}

int wrapped_sum(const uint8_t *map, uint32_t size, const struct rec *r, uint8_t *out, uint32_t room) {
    if (r->off + r->len > size || r->len > room) return -1;
    memcpy(out, map + r->off, r->len);
    return 0;
}

struct rec *wrapped_product(FILE *f) {
    uint32_t n;
    if (fread(&n, sizeof n, 1, f) != 1) return NULL;
    uint32_t bytes = n * (uint32_t)sizeof(struct rec);
    struct rec *all = malloc(bytes); //! CWE-190/131/680
    if (!all) return NULL;
    for (uint32_t i = 0; i < n; i++) fread(&all[i], sizeof all[i], 1, f);
    return all;
}

int length_byte(int fd, struct index *ix) {
    uint8_t n;
    if (read(fd, &n, 1) != 1) return -1;
    if (read(fd, ix->title, n) != n) return -1; //! CWE-787
    return 0;
}

int table_of_kinds(int fd, const char *text) {
    struct head h;
    if (read(fd, &h, sizeof h) != sizeof h) return -1;
    handlers[h.kind](text); //! CWE-129/125/787
    return 0;
}

uint32_t shift(FILE *f) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return 0;
    return 1u << h.log2;
}

const char *next_name(const char *map, size_t size, size_t at) {
    if (at >= size) return NULL;
    const char *p = map + at;
    while (*p) p++;
    return p + 1;
}

int terminated(int fd) {
    char buf[128];
    ssize_t n = read(fd, buf, sizeof buf);
    if (n < 0) return -1;
    buf[n] = 0; //! CWE-787/193
    return puts(buf);
}

int terminated_failed(int fd) {
    char buf[128];
    ssize_t n = read(fd, buf, sizeof buf - 1);
    buf[n] = 0; //! CWE-787/252/124
    return puts(buf);
}
unsigned ring(const uint8_t *map, uint32_t size) {
    uint32_t at = sizeof(struct head); unsigned n = 0;
    while (at != 0 && at <= size - sizeof(struct rec)) {
        const struct rec *r = (const struct rec *)(map + at);
        n++;
        at = r->next;
    }
    return n;
}

void *body(FILE *f) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    uint32_t left = h.size - (uint32_t)sizeof h;
    if (left > 1u << 20) left = 1u << 20;
    uint8_t small[256];
    if (h.size > sizeof small) return NULL;
    uint32_t rest = h.size - (uint32_t)sizeof h;
    if (fread(small, rest, 1, f) != 1) return NULL; //! CWE-191/787
    return NULL;
}

char *reserve(FILE *f) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    char *text = malloc(h.size); //! CWE-789
    if (text && fread(text, 1, h.size, f) != h.size) { free(text); return NULL; }
    return text;
}

int main(int argc, char **argv) {
    struct index ix; memset(&ix, 0, sizeof ix);
    void *lib = dlopen("/usr/lib/ix/plug.so", RTLD_NOW);
    if (!lib) return 1;
    int fd = open("/var/lib/ix/index", O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) return 1;
    uint8_t *map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return 1;
    FILE *f = fdopen(fd, "rb");
    if (!f) return 1;
    uint8_t out[256];
    fill_fixed(f, &ix); fill_fixed_ok(f, &ix); upper_only(f, &ix); upper_only_ok(f, &ix);
    wrapped_sum(map, (uint32_t)st.st_size, (struct rec *)map, out, sizeof out); wrapped_sum_ok(map, (uint32_t)st.st_size, (struct rec *)map, out, sizeof out);
    free(wrapped_product(f)); free(wrapped_product_ok(f)); length_byte(fd, &ix); length_byte_ok(fd, &ix);
    table_of_kinds(fd, "x"); table_of_kinds_ok(fd, "x"); shift(f); shift_ok(f);
    next_name((char *)map, st.st_size, 64); next_name_ok((char *)map, st.st_size, 64);
    terminated(fd); terminated_ok(fd); terminated_failed(fd); ring(map, st.st_size); ring_ok(map, st.st_size);
    body(f); body_ok(f); free(reserve(f)); free(reserve_ok(f));
    fclose(f); dlclose(lib);
    return 0;
}
