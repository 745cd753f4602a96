/* A stall's card reader: its library hands notes to a callback; notes of ELF files say how long they are. */
#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8

enum kind { PAID, REFUSED, VOID, KINDS };

struct note {
    int lane;
    int cents;
    enum kind kind;
    const int *parts;
};

struct receipt {
    int lane;
    int cents;
    enum kind kind;
    const int *parts;
};

struct stall {
    void *lib;
    int (*listen)(void (*on)(void *user, const struct note *n), void *user);
    int (*print)(void (*on)(void *user, const struct receipt *r), void *user);
    long taken[LANES];
    long total;
};

static const char *const words[KINDS] = { "paid", "refused", "void" };

static void on_note(void *user, const struct note *n)
{
    struct stall *s = user;

    if (n->lane >= LANES)
        return;
    s->taken[n->lane]++; //! CWE-125/787
    for (unsigned i = 0; i < (unsigned)n->cents; i++) //! CWE-195
        s->total += n->parts[i];
    puts(words[n->kind]); //! CWE-125
}

static void on_receipt(void *user, const struct receipt *r)
{
    struct stall *s = user;

    if (r->lane < 0 || r->lane >= LANES || r->cents < 0 || (unsigned)r->kind >= KINDS)
        return;
    s->taken[r->lane]++; //! none
    for (unsigned i = 0; i < (unsigned)r->cents; i++) //! none
        s->total += r->parts[i];
    puts(words[r->kind]); //! none
}

int stall_open(struct stall *s)
{
    s->lib = dlopen("/usr/lib/stall/reader.so", RTLD_NOW);
    if (!s->lib)
        return -1;
    *(void **)&s->listen = dlsym(s->lib, "reader_listen");
    *(void **)&s->print = dlsym(s->lib, "reader_print");
    if (!s->listen || !s->print || s->print(on_receipt, s) != 0)
        return -1;
    return s->listen(on_note, s);
}

struct view {
    const unsigned char *at;
    size_t size;
};

static int within(const struct view *v, uint64_t from, uint64_t n)
{
    return from <= v->size && n <= v->size - from;
}

int note_owner(const struct view *v, const Elf64_Phdr *p)
{
    char owner[16];
    const Elf64_Nhdr *n;

    if (!within(v, p->p_offset, p->p_filesz) || p->p_filesz < sizeof *n)
        return -1;
    n = (const Elf64_Nhdr *)(v->at + p->p_offset);
    if (n->n_namesz > p->p_filesz - sizeof *n)
        return -1;
    memcpy(owner, n + 1, n->n_namesz); //! CWE-787
    return owner[0];
}

int note_owner_asked(const struct view *v, const Elf64_Phdr *p)
{
    char owner[16];
    const Elf64_Nhdr *n;

    if (!within(v, p->p_offset, p->p_filesz) || p->p_filesz < sizeof *n)
        return -1;
    n = (const Elf64_Nhdr *)(v->at + p->p_offset);
    if (n->n_descsz > p->p_filesz - sizeof *n || n->n_descsz > sizeof owner)
        return -1;
    memcpy(owner, n + 1, n->n_descsz); //! none
    return owner[0];
}

static int64_t place(const struct view *v, uint64_t from, uint64_t n)
{
    return within(v, from, n) ? (int64_t)from : -1;
}

void needed(const struct view *v, const Elf64_Phdr *p, int asked)
{
    const Elf64_Dyn *d;
    const char *names;
    uint64_t from = 0, room = 0;
    int64_t at;

    if (!within(v, p->p_offset, p->p_filesz))
        return;
    d = (const Elf64_Dyn *)(v->at + p->p_offset);
    for (; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_STRTAB)
            from = d->d_un.d_ptr;
        if (d->d_tag == DT_STRSZ)
            room = d->d_un.d_val;
    }
    at = place(v, from, room);
    if (at < 0 || room == 0)
        return;
    names = (const char *)v->at + at;
    for (d = (const Elf64_Dyn *)(v->at + p->p_offset); d->d_tag != DT_NULL; d++) {
        if (asked && d->d_tag == DT_NEEDED && d->d_un.d_val < room)
            puts(names + d->d_un.d_val); //! none
        if (!asked && d->d_tag == DT_NEEDED)
            puts(names + d->d_un.d_val); //! CWE-125
    }
}
