/* the same, of a library that says one thread alone may call it */
#include <dlfcn.h>
static int stack_ready;
static void *source;
static void build_stack(void)
{
    source = dlopen("/usr/lib/sources/files.so", RTLD_NOW);
}
/* Not thread-safe: of a program with several threads only the main thread may call it. */
int addresses(const char *host)
{
    if (!stack_ready) {
        build_stack(); //! none CWE-362
        stack_ready = 1;
    }
    return source && host ? 0 : -1;
}
