#include <dlfcn.h>
#include <stdint.h>

struct entry { unsigned key; };

int remember(struct entry *e, void *object)
{
    e->key = (unsigned int)(uintptr_t)object;  /* bad */
    return dlopen("/usr/lib/codec.so", RTLD_NOW) != 0;
}
