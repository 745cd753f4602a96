// The count of a table that a pointer goes through is compared where the table is found
#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <stddef.h>

struct View {
    const unsigned char *data;
    size_t size;
};

static const Elf64_Phdr *table(const View &v, const Elf64_Ehdr *eh)
{
    const size_t count = eh->e_phnum;
    if (eh->e_phoff > v.size || count > (v.size - eh->e_phoff) / sizeof(Elf64_Phdr))
        return nullptr;
    return reinterpret_cast<const Elf64_Phdr *>(v.data + eh->e_phoff);
}

void *openNoted(const View &v, const Elf64_Ehdr *eh, const char *file)
{
    const Elf64_Phdr *ph = table(v, eh);
    if (!ph)
        return nullptr;
    for (unsigned i = 0; i < eh->e_phnum; i++, ph++) {
        if (ph->p_type == PT_NOTE) //! none
            return dlopen(file, RTLD_NOW);
    }
    return nullptr;
}
