// Entries are taken out of a list through the link that leads to them.
#include <dlfcn.h>
#include <stdlib.h>
struct handler { struct handler *next; void *mod; };
static struct handler *handlers;
void drop(void *m)
{
    struct handler **hp, *h;
    for (hp = &handlers; (h = *hp) != NULL; )
        if (h->mod == m) { //! none
            *hp = h->next;
            free(h); //! none
        } else {
            hp = &h->next;
        }
    dlclose(m);
}
