#include <elf.h>
#include <stddef.h>

const char *first_section_name(const unsigned char *base, size_t size)
{
    if (size < sizeof(Elf64_Ehdr))
        return 0;
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)base;
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(base + eh->e_shoff);  /* bad */
    return (const char *)base + sh[eh->e_shstrndx].sh_offset;  /* bad */
}
