/* a helper asks about the header; the reader goes by its answer */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
struct image { const unsigned char *p; size_t size; };

static int is_sound(const struct image *m, const Elf64_Ehdr *h)
{
    if (h->e_phoff > m->size || h->e_phnum > (m->size - h->e_phoff) / sizeof(Elf64_Phdr))
        return 0;
    return 1;
}

uint64_t first_type(const struct image *m)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)m->p;
    if (m->size < sizeof *h || !is_sound(m, h))
        return 0;
    const Elf64_Phdr *all = (const Elf64_Phdr *)(m->p + h->e_phoff); //! none
    for (unsigned i = 0; i < h->e_phnum; i++)
        if (all[i].p_type == PT_DYNAMIC) //! none
            return i;
    return 0;
}

uint64_t first_section(const struct image *m)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)m->p;
    if (m->size < sizeof *h || !is_sound(m, h))
        return 0;
    const Elf64_Shdr *all = (const Elf64_Shdr *)(m->p + h->e_shoff); //! CWE-125
    return all[0].sh_offset;
}
