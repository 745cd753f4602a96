#include <stdlib.h>
#include <dlfcn.h>

typedef int (*entry_t)(void);

int main(int argc, char **argv)
{
    void *h = dlopen("/usr/lib/app/entry.so", RTLD_NOW);
    if (!h)
        return 2;
    entry_t entry = (entry_t)dlsym(h, "entry");
    return entry ? entry() : 1;
}
