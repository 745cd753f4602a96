/* agent: reload on SIGHUP */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *plug;
static void (*tick)(void);
static volatile sig_atomic_t reload_wanted;

static void reload(void)
{
    if (plug)
        dlclose(plug);
    tick = NULL;
    plug = dlopen("/usr/lib/agent/plug.so", RTLD_NOW);
    if (plug)
        tick = (void (*)(void))dlsym(plug, "tick");
}
static void on_hup(int sig)
{
    (void)sig;
    reload_wanted = 1;  //! none
}
int main(void)
{
    struct sigaction sa = { .sa_handler = on_hup };
    sigemptyset(&sa.sa_mask);
    if (sigaction(SIGHUP, &sa, NULL) != 0)
        return 1;
    reload();
    for (;;) {
        if (reload_wanted) {
            reload_wanted = 0;
            reload();
        }
        if (tick)
            tick();
        sleep(1);
    }
}
