/* ELF note reader for the module cache */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *section_name(const unsigned char *m, size_t len, unsigned idx)
{
    const Elf64_Ehdr *eh = (const Elf64_Ehdr *)m;
    const Elf64_Shdr *sh, *str;
    if (len < sizeof *eh)
        return NULL;
    if (eh->e_shentsize != sizeof *sh || eh->e_shoff > len || eh->e_shoff % 8 != 0 ||
        eh->e_shnum > (len - eh->e_shoff) / sizeof *sh || idx >= eh->e_shnum || eh->e_shstrndx >= eh->e_shnum)
        return NULL;
    sh = (const Elf64_Shdr *)(m + eh->e_shoff);
    str = &sh[eh->e_shstrndx];
    if (str->sh_offset > len || str->sh_size > len - str->sh_offset || sh[idx].sh_name >= str->sh_size)
        return NULL;
    if (memchr(m + str->sh_offset + sh[idx].sh_name, 0, str->sh_size - sh[idx].sh_name) == NULL)
        return NULL;
    return (const char *)m + str->sh_offset + sh[idx].sh_name;  //! none
}
int show(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    unsigned char *m;
    const char *n;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || st.st_size <= 0) {
        close(fd);
        return -1;
    }
    m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (m == MAP_FAILED)
        return -1;
    n = section_name(m, (size_t)st.st_size, 1);
    if (n)
        printf("%s\n", n);
    munmap(m, (size_t)st.st_size);
    return 0;
}
