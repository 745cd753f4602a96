#include <dlfcn.h>
#include <stddef.h>
#include <sys/mman.h>

#define STORE_API __attribute__((visibility("default")))

/* A constant among arguments is none of the words that stand before a declaration: the statement is read. */

STORE_API void *first(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    return p == NULL ? NULL : p; //! CWE-253
}

STORE_API void *second(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ, MAP_POPULATE | MAP_PRIVATE, fd, 0);

    if (!p) //! CWE-253
        return NULL;
    return p;
}

STORE_API int third(const char *path)
{
    int mode = SCAN_HIDDEN;
    int (*run)(void);
    void *h;

    if (choose(path, SCAN_PUBLIC) && mode != SCAN_HIDDEN)
        return 0;
    h = dlopen(path, RTLD_NOW);
    run = (int (*)(void))dlsym(h, "run");
    return run(); //! CWE-690/CWE-476
}
