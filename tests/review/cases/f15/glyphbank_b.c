/* glyphbank: reads a glyph bank and hands each outline to the rasteriser named in it.
 * layout: "GBNK", u32 count, u32 raster_index, count * {u32 off, u32 len}, data */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const rasterisers[] = {
    "/usr/lib/glyphbank/mono.so",
    "/usr/lib/glyphbank/grey.so",
    "/usr/lib/glyphbank/lcd.so",
};
#define N_RASTER (sizeof rasterisers / sizeof rasterisers[0])

struct bank {
    const uint8_t *base;
    size_t size;
    uint32_t count;
    void *raster;
    int (*draw)(const uint8_t *outline, size_t n, uint8_t *bitmap, size_t cap);
};

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int bank_map(struct bank *b, const char *file)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    void *p;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || st.st_size < 12) {
        close(fd);
        return -1;
    }
    p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (p == MAP_FAILED)
        return -1;
    b->base = p;
    b->size = (size_t)st.st_size;
    return 0;
}

int bank_open(struct bank *b, const char *file)
{
    uint32_t which;

    if (bank_map(b, file) != 0)
        return -1;
    if (memcmp(b->base, "GBNK", 4) != 0)
        goto bad;
    b->count = le32(b->base + 4);
    if (b->count > (b->size - 12) / 8)
        goto bad;
    which = le32(b->base + 8);
    if (which >= N_RASTER)
        goto bad;
    b->raster = dlopen(rasterisers[which], RTLD_NOW | RTLD_LOCAL); //! none
    if (!b->raster)
        goto bad;
    b->draw = (int (*)(const uint8_t *, size_t, uint8_t *, size_t))dlsym(b->raster, "raster_draw"); //! none
    if (!b->draw) {
        dlclose(b->raster); //! none
        goto bad;
    }
    return 0;
bad:
    munmap((void *)b->base, b->size);
    return -1;
}

int bank_draw(const struct bank *b, uint32_t glyph, uint8_t *bitmap, size_t cap)
{
    const uint8_t *e;
    uint32_t off, len;

    if (glyph >= b->count)
        return -1;
    e = b->base + 12 + (size_t)glyph * 8;
    off = le32(e);
    len = le32(e + 4);
    if (off > b->size || len > b->size - off)
        return -1;
    return b->draw(b->base + off, len, bitmap, cap);
}

void bank_close(struct bank *b)
{
    dlclose(b->raster); //! none
    munmap((void *)b->base, b->size);
}
