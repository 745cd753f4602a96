/* a macro may set what it is handed */
#include <dlfcn.h>
#include <string.h>
#include "queue.h"
struct provider { void *library; const char *path; struct provider *next; };
static struct provider *first;
int is_loaded(const char *path)
{
    struct provider *one;
    LIST_EACH(one, first, next)
        if (strcmp(one->path, path) == 0) //! none CWE-457
            return dlsym(one->library, "start") != NULL;
    return 0;
}
int swapped(void *place)
{
    int before;
    __asm__ volatile("xchgl %0, %1" : "=r"(before), "+m"(*(int *)place) : "0"(1));
    return before + (dlsym(place, "lock") != NULL); //! none CWE-457
}
