#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
struct row { uint32_t id; uint32_t off; uint64_t addr; };
struct hdr { uint32_t magic; uint32_t count; };
typedef void (*add_fn)(uint32_t, uint64_t);
struct row *read_rows(FILE *f, uint32_t *n){
    struct hdr h;
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    uint32_t bytes = h.count * 16; //! CWE-190
    struct row *r = malloc(bytes);
    if (!r) return NULL;
    for (uint32_t i = 0; i < h.count; i++)
        if (fread(&r[i], sizeof r[i], 1, f) != 1) { free(r); return NULL; }
    *n = h.count;
    return r;
}
struct row *read_rows_ok(FILE *f, uint32_t *n){
    struct hdr h;
    if (fread(&h, sizeof h, 1, f) != 1) return NULL;
    if (h.count > 4096) return NULL;
    uint32_t bytes = h.count * 16;
    struct row *r = malloc(bytes); //! none
    if (!r) return NULL;
    for (uint32_t i = 0; i < h.count; i++)
        if (fread(&r[i], sizeof r[i], 1, f) != 1) { free(r); return NULL; }
    *n = h.count;
    return r;
}
const struct row *rows_in(const uint8_t *map, size_t size){
    const struct hdr *h = (const struct hdr *)map;
    if (size < sizeof *h) return NULL;
    if (sizeof *h + h->count * 16u > size) return NULL; //! CWE-190
    if (h->count * 16 > size - sizeof *h) return NULL; //! CWE-190
    return (const struct row *)(map + sizeof *h);
}
const struct row *rows_in_ok(const uint8_t *map, size_t size){
    const struct hdr *h = (const struct hdr *)map;
    if (size < sizeof *h) return NULL;
    if (h->count > (size - sizeof *h) / 16) return NULL; //! none
    return (const struct row *)(map + sizeof *h);
}
const struct row *rows_in_ok2(const uint8_t *map, size_t size){
    const struct hdr *h = (const struct hdr *)map;
    if (size < sizeof *h) return NULL;
    if (h->count * sizeof(struct row) > size - sizeof *h) return NULL; //! none
    return (const struct row *)(map + sizeof *h);
}
void use(void){ void *h = dlopen("/usr/lib/x.so", RTLD_NOW); if (!h) puts(dlerror()); }
