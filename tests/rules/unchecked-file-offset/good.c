#include <elf.h>
#include <stddef.h>

const char *first_section_name(const unsigned char *base, size_t size)
{
    if (size < sizeof(Elf64_Ehdr))
        return 0;
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)base;
    if (eh->e_shoff > size || eh->e_shstrndx >= eh->e_shnum)
        return 0;
    if ((size - eh->e_shoff) / sizeof(Elf64_Shdr) < eh->e_shnum)
        return 0;
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(base + eh->e_shoff);
    if (sh[eh->e_shstrndx].sh_offset >= size)
        return 0;
    return (const char *)base + sh[eh->e_shstrndx].sh_offset;
}
