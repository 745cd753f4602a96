#include <dlfcn.h>
#include <signal.h>

static void *library;
static volatile sig_atomic_t wanted;

static void again(int number)
{
    (void)number;
    wanted = 1;
}

int turn(void)
{
    signal(SIGHUP, again);
    if (!wanted)
        return 0;
    wanted = 0;
    dlclose(library);
    library = dlopen("/usr/lib/ticker.so", RTLD_NOW);
    return library ? 0 : -1;
}
