/* A weather mast: the maker's library calls back from a thread of its own; readings are asked for from anywhere. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct mast {
    pthread_mutex_t mu;
    void *lib;
    int (*watch)(void (*on)(void *user, double knots), void *user);
    double wind, gust;
    unsigned readings;
};

static void on_wind(void *user, double knots)
{
    struct mast *m = user;

    pthread_mutex_lock(&m->mu);
    m->wind = knots;
    if (knots > m->gust)
        m->gust = knots;
    m->readings++;
    pthread_mutex_unlock(&m->mu);
}

int mast_open(struct mast *m)
{
    pthread_mutex_init(&m->mu, NULL);
    m->lib = dlopen("/usr/lib/mast/mast.so", RTLD_NOW);
    if (!m->lib)
        return -1;
    *(void **)&m->watch = dlsym(m->lib, "mast_watch");
    if (!m->watch || m->watch(on_wind, m) != 0) {
        dlclose(m->lib);
        m->lib = NULL;
        return -1;
    }
    return 0;
}

double mast_wind(struct mast *m)
{
    double w = -1.0;

    if (m->readings == 0) //! CWE-362
        return w;
    pthread_mutex_lock(&m->mu);
    w = m->wind;
    pthread_mutex_unlock(&m->mu);
    return w;
}

double mast_gust(struct mast *m)
{
    double g;

    pthread_mutex_lock(&m->mu);
    g = m->gust; //! none
    pthread_mutex_unlock(&m->mu);
    return g;
}

static int open_report(const char *day)
{
    char path[64];

    if (snprintf(path, sizeof path, "/var/log/mast/%.20s", day) >= (int)sizeof path)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

void mast_report(const char *day)
{
    int fd = open_report(day);

    dup2(fd, STDERR_FILENO); //! CWE-252
}

void mast_report_if(const char *day)
{
    int fd = open_report(day);

    if (fd >= 0)
        dup2(fd, STDERR_FILENO); //! none
}
