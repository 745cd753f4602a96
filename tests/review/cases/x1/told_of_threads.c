/* a library that starts no thread: its comments say who calls it */
#include <dlfcn.h>
static int stack_ready;
static void *source;
static void build_stack(void)
{
    source = dlopen("/usr/lib/sources/files.so", RTLD_NOW);
}
/* May be called from several threads. */
int addresses(const char *host)
{
    if (!stack_ready) {
        build_stack(); //! CWE-362
        stack_ready = 1;
    }
    return source && host ? 0 : -1;
}
