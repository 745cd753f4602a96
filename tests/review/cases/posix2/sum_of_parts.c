/* two lengths of the file, tested as a sum */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
struct lead { uint32_t code, extra; };

unsigned char *read_both(FILE *f, size_t *length)
{
    struct lead l;
    if (fread(&l, sizeof l, 1, f) != 1)
        return NULL;
    uint32_t whole = l.code + l.extra; //! CWE-190
    if (whole == 0 || whole > 65536)
        return NULL;
    unsigned char *to = malloc(whole);
    if (!to)
        return NULL;
    if (fread(to, 1, l.code, f) != l.code) {
        free(to);
        return NULL;
    }
    *length = whole;
    return to;
}

unsigned char *read_both_asked(FILE *f, size_t *length)
{
    struct lead l;
    if (fread(&l, sizeof l, 1, f) != 1 || l.code > 65536 || l.extra > 65536)
        return NULL;
    uint32_t whole = l.code + l.extra; //! none
    if (whole == 0 || whole > 65536)
        return NULL;
    unsigned char *to = malloc(whole);
    if (!to)
        return NULL;
    if (fread(to, 1, l.code, f) != l.code) {
        free(to);
        return NULL;
    }
    *length = whole;
    return to;
}

void *run(void)
{
    void *h = dlopen("/usr/lib/app/run.so", RTLD_NOW);
    if (!h)
        fprintf(stderr, "%s\n", dlerror());
    return h;
}
