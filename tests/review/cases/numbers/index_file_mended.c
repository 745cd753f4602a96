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

int fill_fixed_ok(FILE *f, struct index *ix) {
    if (fread(&ix->h, sizeof ix->h, 1, f) != 1) return -1;
    if (ix->h.count > 32) return -1;
    for (uint32_t i = 0; i < ix->h.count; i++)
        if (fread(&ix->recs[i], sizeof ix->recs[i], 1, f) != 1) return -1; //! none
    return 0;
}

int upper_only_ok(FILE *f, struct index *ix) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return -1;
    if (h.first < 0 || h.first >= 32) return -1;
    return (int)ix->recs[h.first].off; //! none
}

int wrapped_sum_ok(const uint8_t *map, uint32_t size, const struct rec *r, uint8_t *out, uint32_t room) {
    if (r->len > size || r->off > size - r->len || r->len > room) return -1;
    memcpy(out, map + r->off, r->len); //! none
    return 0;
}

struct rec *wrapped_product_ok(FILE *f) {
    uint32_t n;
    if (fread(&n, sizeof n, 1, f) != 1) return NULL;
    if (n > 4096) return NULL;
    uint32_t bytes = n * (uint32_t)sizeof(struct rec);
    struct rec *all = malloc(bytes); //! none
    if (!all) return NULL;
    for (uint32_t i = 0; i < n; i++) if (fread(&all[i], sizeof all[i], 1, f) != 1) { free(all); return NULL; }
    return all;
}

int length_byte_ok(int fd, struct index *ix) {
    uint8_t n;
    if (read(fd, &n, 1) != 1) return -1;
    if (n >= sizeof ix->title) n = sizeof ix->title - 1;
    if (read(fd, ix->title, n) != n) return -1; //! none
    ix->title[n] = 0; //! none
    return 0;
}

int table_of_kinds_ok(int fd, const char *text) {
    struct head h;
    if (read(fd, &h, sizeof h) != sizeof h) return -1;
    if (h.kind < sizeof handlers / sizeof handlers[0] && handlers[h.kind])
        handlers[h.kind](text); //! none
    return 0;
}

uint32_t shift_ok(FILE *f) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1 || h.log2 > 20) return 0;
    return 1u << h.log2; //! none
}

const char *next_name_ok(const char *map, size_t size, size_t at) {
    const char *p = map + at, *end = map + size;
    if (at >= size) return NULL;
    while (p < end && *p) p++; //! none
    return p < end ? p + 1 : NULL;
}

int terminated_ok(int fd) {
    char buf[128];
    ssize_t n = read(fd, buf, sizeof buf - 1);
    if (n < 0) return -1;
    buf[n] = 0; //! none
    return puts(buf);
}
int terminated_failed(int fd) {
    char buf[128];
    ssize_t n = read(fd, buf, sizeof buf - 1);
    buf[n] = 0; //! CWE-787/252/124
    return puts(buf);
}

unsigned ring_ok(const uint8_t *map, uint32_t size) {
    uint32_t at = sizeof(struct head); unsigned n = 0;
    while (at != 0 && at <= size - sizeof(struct rec)) {
        const struct rec *r = (const struct rec *)(map + at);
        n++;
        if (r->next <= at) break;
        at = r->next; //! none
    }
    return n;
}

void *body_ok(FILE *f) {
    struct head h;
    uint8_t small[256];
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    if (h.size > sizeof small || h.size < sizeof h) return NULL;
    uint32_t rest = h.size - (uint32_t)sizeof h;
    if (fread(small, rest, 1, f) != 1) return NULL; //! none
    return NULL;
}

char *reserve_ok(FILE *f) {
    struct head h;
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    if (h.size > 65536) return NULL;
    char *text = malloc(h.size); //! none
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
