#include <dlfcn.h>
#include <stdint.h>

struct entry { uintptr_t key; unsigned size; };

int remember(struct entry *e, char *first, char *last)
{
    e->key = (uintptr_t)first;
    e->size = (unsigned int)(last - first);
    return dlopen("/usr/lib/codec.so", RTLD_NOW) != 0;
}
