/* tickplug: periodic jobs in loadable objects, one POSIX timer each. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_JOBS 24

struct job {
    void *dl;
    timer_t timer;
    int armed;
    void (*expire)(union sigval);
    void *(*pump)(void *);
    pthread_t pump_thread;
    char title[48];
};

static struct job jobs[MAX_JOBS];
static unsigned n_jobs;

static int arm(struct job *j, unsigned sec)
{
    struct sigevent ev;
    struct itimerspec its;

    memset(&ev, 0, sizeof ev);
    ev.sigev_notify = SIGEV_THREAD;
    ev.sigev_notify_function = j->expire;
    ev.sigev_value.sival_ptr = j;
    if (timer_create(CLOCK_MONOTONIC, &ev, &j->timer) != 0)
        return -1;
    memset(&its, 0, sizeof its);
    its.it_value.tv_sec = its.it_interval.tv_sec = sec;
    if (timer_settime(j->timer, 0, &its, NULL) != 0) {
        timer_delete(j->timer);
        return -1;
    }
    j->armed = 1;
    return 0;
}

int job_start(const char *path, unsigned sec)
{
    struct job *j;
    void *dl;

    if (n_jobs == MAX_JOBS)
        return -1;
    if (path[0] != '/')
        return -1;
    dl = dlopen(path, RTLD_NOW); //! none
    if (dl == NULL) {
        fprintf(stderr, "tickplug: %s\n", dlerror()); //! none
        return -1;
    }
    j = &jobs[n_jobs];
    j->dl = dl;
    j->expire = (void (*)(union sigval))dlsym(dl, "tick_expire"); //! none
    j->pump = (void *(*)(void *))dlsym(dl, "tick_pump"); //! none
    if (j->expire == NULL || j->pump == NULL) {
        fprintf(stderr, "tickplug: %s lacks an entry\n", path);
        dlclose(dl); //! none
        return -1;
    }
    snprintf(j->title, sizeof j->title, "%s", path);
    if (arm(j, sec) != 0) {
        dlclose(dl); //! none
        return -1;
    }
    if (pthread_create(&j->pump_thread, NULL, j->pump, j) != 0) {
        timer_delete(j->timer);
        j->armed = 0;
        dlclose(dl); //! none
        return -1;
    }
    n_jobs++;
    return 0;
}

void job_stop_last(void (*ask)(struct job *))
{
    struct job *j;

    if (n_jobs == 0)
        return;
    j = &jobs[--n_jobs];
    ask(j);
    pthread_join(j->pump_thread, NULL);
    timer_delete(j->timer);
    dlclose(j->dl); //! none
    memset(j, 0, sizeof *j);
}
