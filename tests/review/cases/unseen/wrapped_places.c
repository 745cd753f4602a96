#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <string.h>

struct image {
    const uint8_t *start;
    uint32_t length;
};

/* What wrapped is what is compared, and what is gone by. */

static const void *at(const struct image *image, uint32_t offset, uint32_t size)
{
    return offset <= image->length && size <= image->length - offset ? image->start + offset : NULL; //! none CWE-190
}

const void *entry_of(const struct image *image, const uint8_t *bytes)
{
    const Elf32_Phdr *header = (const Elf32_Phdr *)bytes;
    uint32_t place = header->p_offset + header->p_vaddr;

    return at(image, place, 4);
}

/* The sum is compared, and its parts are gone by. */

int copied(const struct image *image, const uint8_t *bytes, uint8_t *target)
{
    const Elf32_Phdr *header = (const Elf32_Phdr *)bytes;
    uint32_t end = header->p_offset + header->p_filesz;

    if (end > image->length || header->p_filesz > 64) //! CWE-190
        return -1;
    memcpy(target, image->start + header->p_offset, header->p_filesz);
    return 0;
}

void *opened(void)
{
    return dlopen("/usr/lib/libentry.so.1", RTLD_NOW);
}
