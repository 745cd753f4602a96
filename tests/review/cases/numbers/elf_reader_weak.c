/* what a library exports, read from its file before it is loaded */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
struct view { const uint8_t *base; size_t size; };

const Elf64_Shdr *section(const struct view *v, unsigned i) {
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)v->base;
    return (const Elf64_Shdr *)(v->base + e->e_shoff) + i; //! CWE-125/823/119
}

int names(const struct view *v) {
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)v->base;
    if (v->size < sizeof *e) return -1;
    if (e->e_shoff > v->size || e->e_shnum > (v->size - e->e_shoff) / sizeof(Elf64_Shdr)) return -1;
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(v->base + e->e_shoff);
    const char *strings = (const char *)v->base + sh[e->e_shstrndx].sh_offset; //! CWE-125/129
    for (unsigned i = 0; i < e->e_shnum; i++)
        puts(strings + sh[i].sh_name);
    return 0;
}
int copy_note(const struct view *v, size_t at, size_t end) {
    char name[32];
    if (end > v->size || at + sizeof(Elf64_Nhdr) > end) return -1;
    const Elf64_Nhdr *n = (const Elf64_Nhdr *)(v->base + at);
    memcpy(name, v->base + at + sizeof *n, n->n_namesz);  //! CWE-125
    return name[0];
}

int symbols(const struct view *v, const Elf64_Shdr *s) {
    if (s->sh_offset + s->sh_size > v->size) return -1; 
    const Elf64_Sym *sym = (const Elf64_Sym *)(v->base + s->sh_offset);
    int n = 0;
    for (size_t i = 0; i < s->sh_size / s->sh_entsize; i++)
        n += sym[i].st_shndx != 0;
    return n;
}

unsigned dynamic(const struct view *v, const Elf64_Phdr *p) {
    if (p->p_offset > v->size || p->p_filesz > v->size - p->p_offset) return 0;
    const Elf64_Dyn *d = (const Elf64_Dyn *)(v->base + p->p_offset);
    unsigned n = 0;
    while (d->d_tag != DT_NULL) {
        n++; d++;
    }
    return n;
}

int main(int argc, char **argv) {
    if (argc < 2) return 1;
    int fd = open(argv[1], O_RDONLY); struct stat st;
    if (fd < 0 || fstat(fd, &st)) return 1;
    void *m = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (m == MAP_FAILED) return 1;
    struct view v = { m, st.st_size };
    const Elf64_Shdr *s = section(&v, 1); const Elf64_Shdr *t = section_ok(&v, 1);
    names(&v); copy_note(&v, 64, 128); copy_note_ok(&v, 64, 128); symbols(&v, s); if (t) symbols_ok(&v, t);
    const Elf64_Phdr *p = (const Elf64_Phdr *)((char *)m + 64);
    dynamic(&v, p); dynamic_ok(&v, p);
    void *lib = dlopen("/usr/lib/e/known.so", RTLD_NOW);
    return lib ? dlclose(lib) : 1;
}
