#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>

static void *library;
static void (*tick)(void);
static sigjmp_buf back;

static void again(int number)
{
    (void)number;
    dlclose(library);  /* bad */
    library = dlopen("/usr/lib/ticker.so", RTLD_NOW);
}

static void fault(int number)
{
    siglongjmp(back, number);
}

int start(void)
{
    signal(SIGHUP, again);
    signal(SIGSEGV, fault);
    if (sigsetjmp(back, 1) != 0)  /* bad */
        return -1;
    tick();
    return 0;
}
