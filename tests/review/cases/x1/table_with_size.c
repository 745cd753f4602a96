/* a table that says first how long it is, and is taken for as long as the program's */
#include <dlfcn.h>
#include <stddef.h>
struct operations {
    size_t size;
    int (*open)(void);
    int (*flush)(void);
};
int flush(void *library)
{
    const struct operations *(*get)(void) = (const struct operations *(*)(void))dlsym(library, "get_operations");
    const struct operations *all = get ? get() : NULL; //! CWE-843
    if (!all || !all->flush)
        return -1;
    return all->flush();
}
