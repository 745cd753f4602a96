/* The same sizes, compared first, or put together in 64 bits. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry_head {
    uint32_t kind;
    uint32_t bytes;
};

static uint32_t le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

char *read_name(FILE *f)
{
    unsigned char head[4];
    uint32_t n;
    char *s;

    if (fread(head, 1, sizeof head, f) != sizeof head)
        return NULL;
    n = le32(head);
    if (n > 4096)
        return NULL;
    s = malloc(n + 1);
    if (s == NULL || fread(s, 1, n, f) != n)
        return NULL;
    s[n] = '\0';
    return s;
}

short *read_samples(FILE *f, const unsigned char *head)
{
    uint32_t frames = le32(head + 4);
    short *v = calloc(1, 16);

    v = realloc(v, (size_t)frames * 2);
    if (v != NULL && fread(v, 2, frames, f) == frames)
        return v;
    free(v);
    return NULL;
}

void *read_entry(FILE *f)
{
    struct entry_head h;
    unsigned char *block;

    if (fread(&h, sizeof h, 1, f) != 1 || h.bytes >= 1u << 20)
        return NULL;
    block = malloc(h.bytes + 8);
    if (block != NULL && fread(block, 1, h.bytes, f) == h.bytes)
        return block;
    free(block);
    return NULL;
}

void *read_table(FILE *f, const unsigned char *head)
{
    uint32_t rows = le32(head);
    void *table = malloc(rows * sizeof(struct entry_head));

    if (table != NULL && fread(table, sizeof(struct entry_head), rows, f) == rows)
        return table;
    free(table);
    return NULL;
}

void *open_named(FILE *f)
{
    char *name = read_name(f);
    void *so = name ? dlopen(name, RTLD_NOW) : NULL;

    free(name);
    return so;
}
