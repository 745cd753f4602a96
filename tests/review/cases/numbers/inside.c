/* whether a part of a library's file lies inside it: of offsets of 64 bits the sum wraps too */
#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>

struct image { const unsigned char *base; uint64_t size; };

static int inside(const struct image *im, uint64_t off, uint64_t len)
{
    return off + len <= im->size;  //! CWE-190
}

static int inside_mended(const struct image *im, uint64_t off, uint64_t len)
{
    return off <= im->size && len <= im->size - off;  //! none
}

int notes(const struct image *im)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)im->base;

    if (im->size < sizeof *e || !inside(im, e->e_shoff, 64) || !inside_mended(im, e->e_phoff, 56))
        return -1;
    return dlopen("/usr/lib/n/known.so", RTLD_NOW) != 0;
}
