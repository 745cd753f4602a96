/* Signal handlers that call what has a state of its own (CWE-479), and one that leaves it to the main loop. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static void *core;
static char *label;
static volatile sig_atomic_t asked;

static void forget(void)
{
    free(label);
    label = NULL;
}

static void on_usr1(int number)
{
    (void)number;
    forget(); //! CWE-479
}

static void on_usr2(int number)
{
    syslog(LOG_NOTICE, "signal %d", number); //! CWE-479
}

static void on_term(int number)
{
    static const char said[] = "going\n";
    (void)number;
    asked = 1;
    (void)!write(2, said, sizeof said - 1); //! none
}

static void on_hup(int number)
{
    (void)number;
    if (core)
        dlclose(core); //! CWE-479
    core = NULL;
}

static int install(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

int main(void)
{
    core = dlopen("/usr/lib/suite/libcore.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!core) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    if (install(SIGHUP, on_hup) != 0 || install(SIGUSR1, on_usr1) != 0)
        return 1;
    if (signal(SIGUSR2, on_usr2) == SIG_ERR || signal(SIGTERM, on_term) == SIG_ERR)
        return 1;
    while (!asked)
        pause();
    forget(); //! none
    return 0;
}
