/* elfnotes: prints the notes of an ELF64 object before the object is accepted as a driver. */
#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image {
    unsigned char *data;
    size_t size;
};

static int slurp(struct image *im, FILE *f)
{
    long n;

    if (fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < (long)sizeof(Elf64_Ehdr) || n > (64l << 20))
        return -1;
    rewind(f);
    im->data = malloc((size_t)n);
    if (!im->data)
        return -1;
    im->size = fread(im->data, 1, (size_t)n, f);
    return im->size == (size_t)n ? 0 : -1;
}

static int in_image(const struct image *im, uint64_t off, uint64_t len)
{
    return off <= im->size && len <= im->size - off;
}

static int note_segment(const struct image *im, uint64_t off, uint64_t len)
{
    Elf64_Nhdr nh;
    int found = 0;

    if (!in_image(im, off, len))
        return -1;
    while (len >= sizeof nh) {
        uint64_t body, step;

        memcpy(&nh, im->data + off, sizeof nh); //! none
        body = ((uint64_t)nh.n_namesz + 3 & ~3ull) + ((uint64_t)nh.n_descsz + 3 & ~3ull);
        step = sizeof nh + body;
        if (step > len)
            return -1;
        if (nh.n_namesz == 5 && memcmp(im->data + off + sizeof nh, "DRIV", 5) == 0)
            found = 1;
        off += step;
        len -= step;
    }
    return found;
}

static int has_note(const struct image *im)
{
    Elf64_Ehdr eh;
    unsigned i;

    memcpy(&eh, im->data, sizeof eh); //! none
    if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 || eh.e_phentsize != sizeof(Elf64_Phdr))
        return 0;
    if (!in_image(im, eh.e_phoff, (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr)))
        return 0;
    for (i = 0; i < eh.e_phnum; i++) {
        Elf64_Phdr ph;

        memcpy(&ph, im->data + eh.e_phoff + i * sizeof ph, sizeof ph); //! none
        if (ph.p_type == PT_NOTE && note_segment(im, ph.p_offset, ph.p_filesz) == 1)
            return 1;
    }
    return 0;
}

void *driver_open(const char *path)
{
    struct image im = { 0 };
    void *h = NULL;
    FILE *f = fopen(path, "rb");

    if (!f)
        return NULL;
    if (slurp(&im, f) == 0 && has_note(&im))
        h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(im.data);
    fclose(f);
    return h;
}
