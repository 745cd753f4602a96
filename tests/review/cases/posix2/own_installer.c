/* handlers that a function of the program installs */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void *part;
static volatile sig_atomic_t again;

static void on_reload(int number)
{
    (void)number;
    if (part)
        dlclose(part); //! CWE-479
    part = dlopen("/usr/lib/app/part.so", RTLD_NOW);
}

static void on_notice(int number)
{
    (void)number;
    again = 1; //! none
}

static int on(int number, void (*what)(int))
{
    struct sigaction how;
    memset(&how, 0, sizeof how);
    how.sa_handler = what;
    return sigaction(number, &how, NULL);
}

int main(void)
{
    part = dlopen("/usr/lib/app/part.so", RTLD_NOW);
    if (!part) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return on(SIGHUP, on_reload) != 0 || on(SIGUSR1, on_notice) != 0;
}
