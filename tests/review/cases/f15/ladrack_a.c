/* ladrack: rack of audio effects in shared objects. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fx_desc {
    const char *label;
    unsigned long n_ports;
    void *(*instantiate)(unsigned long rate);
    void (*connect)(void *self, unsigned long port, float *where);
    void (*run)(void *self, unsigned long n);
    void (*cleanup)(void *self);
};

struct slot {
    void *so;
    void *self;
    const struct fx_desc *d;
    const char *label;
    float *ports[16];
};

static struct slot rack[8];
static int used;
static volatile sig_atomic_t reload_wanted;

static void rack_clear(void)
{
    while (used > 0) {
        struct slot *s = &rack[--used];

        s->d->cleanup(s->self);
        s->self = NULL;
        s->d = NULL;
        dlclose(s->so);
        s->so = NULL;
    }
}

static void on_hup(int sig)
{
    (void)sig;
    rack_clear(); //! CWE-479
}

int rack_push(const char *file, unsigned long rate)
{
    const struct fx_desc *(*entry)(unsigned long);
    struct slot *s;
    unsigned long p;

    if (used == 8)
        return -1;
    s = &rack[used];
    s->so = dlopen(file, RTLD_NOW);
    if (!s->so) {
        fprintf(stderr, "ladrack: %s\n", dlerror());
        return -1;
    }
    entry = (const struct fx_desc *(*)(unsigned long))dlsym(s->so, "fx_descriptor");
    if (!entry || !(s->d = entry(0))) {
        dlclose(s->so);
        return -1;
    }
    s->self = s->d->instantiate(rate);
    if (!s->self) {
        dlclose(s->so);
        return -1;
    }
    for (p = 0; p < s->d->n_ports; p++) {
        s->ports[p] = calloc(1024, sizeof(float)); //! CWE-787
        if (!s->ports[p])
            break;
        s->d->connect(s->self, p, s->ports[p]);
    }
    used++;
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction sa;
    int i;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_hup;
    sigaction(SIGHUP, &sa, NULL);
    for (i = 1; i < argc; i++)
        if (rack_push(argv[i], 48000) != 0)
            return 1;
    for (;;) {
        for (i = 0; i < used; i++)
            rack[i].d->run(rack[i].self, 256);
        if (reload_wanted) {
            reload_wanted = 0;
            rack_clear();
        }
        usleep(5000);
    }
}
