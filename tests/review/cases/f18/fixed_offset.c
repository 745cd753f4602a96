#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

typedef int (*flush_fn)(void *);
enum { FLUSH_AT = 0x1540 };
static const size_t DRAIN_AT = 0x2200;
struct api { flush_fn flush, drain, tick; void *table; };

int bind(struct api *a, void *h, void *start, size_t entry)
{
    a->flush = (flush_fn)dlsym(h, "flush");
    if (!a->flush)
        a->flush = (flush_fn)((uintptr_t)start + FLUSH_AT); //! CWE-587
    a->drain = (flush_fn)((char *)start + DRAIN_AT); //! CWE-587
    a->tick = *(flush_fn *)((char *)start + 0x30); //! none CWE-587
    a->table = (void *)((char *)start + 0x40); //! none CWE-587
    return 0;
}
