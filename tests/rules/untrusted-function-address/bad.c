#include <stdlib.h>
#include <dlfcn.h>

typedef int (*entry_t)(void);

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    unsigned long address = strtoul(argv[1], NULL, 16);
    entry_t entry = (entry_t)address;  /* bad */
    return entry();
}
