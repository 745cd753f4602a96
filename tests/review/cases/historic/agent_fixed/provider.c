#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "provider.h"

struct provider {
    char *name;
    void *library;
    struct provider *next;
};

static struct provider *providers;

int add_provider(const char *name)
{
    struct provider *one = calloc(1, sizeof *one);
    if (!one)
        return -1;
    one->library = dlopen(name, RTLD_NOW); //! none
    if (!one->library) {
        free(one);
        return -1;
    }
    one->next = providers;
    providers = one;
    return 0;
}
