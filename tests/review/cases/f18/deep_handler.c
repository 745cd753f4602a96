/* a handler that closes libraries four calls down */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct part {
    void *so;
    char *name;
} parts[4];
static volatile sig_atomic_t asked;

static void drop(struct part *p)
{
    if (p->so)
        dlclose(p->so);
    p->so = NULL;
}
static void drop_all(void)
{
    for (int i = 0; i < 4; i++)
        drop(&parts[i]);
}
static void rescan(void)
{
    drop_all();
}
static void reload(void)
{
    rescan();
}
static void on_hup(int sig)
{
    (void)sig;
    reload(); //! CWE-479/828/364/662
}
static void on_term(int sig)
{
    asked = sig; //! none
}
int install(void)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_hup;
    if (sigaction(SIGHUP, &sa, NULL) != 0)
        return -1;
    sa.sa_handler = on_term;
    return sigaction(SIGTERM, &sa, NULL);
}
