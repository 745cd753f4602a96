// What points into a library when the library goes.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
typedef void (*handler)(int, void *);
struct ops { int (*encode)(void *, int); void (*release)(void *); const char *(*name)(void); };
struct module { void *dl; const struct ops *ops; handler on_event; pthread_t thread; const char *title; };
static struct { int event; handler fn; } handlers[32];
static int nhandlers;
static void on(int event, handler fn)
{
    if (nhandlers < 32) {
        handlers[nhandlers].event = event;
        handlers[nhandlers++].fn = fn;
    }
}
static void off(handler fn)
{
    for (int i = 0; i < nhandlers; i++)
        if (handlers[i].fn == fn)
            handlers[i--] = handlers[--nhandlers];
}
int attach(struct module *m)
{
    m->on_event = (handler)dlsym(m->dl, "on_event");
    if (!m->on_event)
        return -1;
    on(3, m->on_event);
    return 0;
}
void detach(struct module *m)
{
    dlclose(m->dl);
    m->dl = NULL;
}
void detach_b(struct module *m)
{
    off(m->on_event);
    dlclose(m->dl); //! none
    m->dl = NULL;
}
void fire(int e) { for (int i = 0; i < nhandlers; i++) if (handlers[i].event == e) handlers[i].fn(e, 0); }
struct job { struct job *next; const struct ops *ops; void *frame; };
static struct job *queue;
void push(struct module *m, void *frame)
{
    struct job *j = malloc(sizeof *j);
    if (!j)
        return;
    j->ops = m->ops;
    j->frame = frame;
    j->next = queue;
    queue = j;
}
void drain(void)
{
    while (queue) {
        struct job *j = queue;
        queue = j->next;
        j->ops->release(j->frame);
        free(j);
    }
}
void shut(struct module *m)
{
    dlclose(m->dl);
    m->dl = NULL;
    drain();
}
void shut_b(struct module *m)
{
    drain();
    dlclose(m->dl); //! none
    m->dl = NULL;
}
int spawn(struct module *m)
{
    void *(*run)(void *) = (void *(*)(void *))dlsym(m->dl, "run");
    if (!run)
        return -1;
    return pthread_create(&m->thread, NULL, run, m);
}
void halt(struct module *m)
{
    pthread_detach(m->thread);
    dlclose(m->dl);
}
void halt_b(struct module *m)
{
    pthread_join(m->thread, NULL);
    dlclose(m->dl); //! none
}
void title(struct module *m)
{
    m->title = m->ops->name();
    dlclose(m->dl);
    printf("closed %s\n", m->title);
}
void title_b(struct module *m)
{
    char kept[64];
    snprintf(kept, sizeof kept, "%s", m->ops->name());
    dlclose(m->dl);
    printf("closed %s\n", kept); //! none
}
const char *version_of(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return NULL;
    const char **v = dlsym(h, "version");
    const char *text = v ? *v : NULL;
    dlclose(h);
    return text; //! CWE-416/672/825/562
}
char *version_of_b(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return NULL;
    const char **v = dlsym(h, "version");
    char *text = v ? strdup(*v) : NULL;
    dlclose(h);
    return text;
}
int with_exit(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    void (*bye)(void) = (void (*)(void))dlsym(h, "at_end");
    if (bye)
        atexit(bye);
    dlclose(h); //! CWE-416/672/825
    return 0;
}
int with_signal(const char *path)
{
    struct sigaction sa, old;
    memset(&sa, 0, sizeof sa);
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    sa.sa_handler = (void (*)(int))dlsym(h, "on_signal");
    if (!sa.sa_handler) {
        dlclose(h);
        return -1;
    }
    sigaction(SIGUSR1, &sa, &old);
    pause();
    dlclose(h); //! CWE-416/672/825
    return 0;
}
int with_signal_b(const char *path)
{
    struct sigaction sa, old;
    memset(&sa, 0, sizeof sa);
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    sa.sa_handler = (void (*)(int))dlsym(h, "on_signal");
    if (!sa.sa_handler) {
        dlclose(h);
        return -1;
    }
    sigaction(SIGUSR1, &sa, &old);
    pause();
    sigaction(SIGUSR1, &old, NULL);
    dlclose(h); //! none
    return 0;
}
static pthread_key_t key;
int with_key(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    void (*dtor)(void *) = (void (*)(void *))dlsym(h, "free_slot");
    if (!dtor || pthread_key_create(&key, dtor)) {
        dlclose(h);
        return -1;
    }
    pthread_setspecific(key, h);
    dlclose(h); //! CWE-416/672/825
    return 0;
}
int with_timer(const char *path)
{
    timer_t t;
    struct sigevent ev = {0};
    struct itimerspec in = {{1, 0}, {1, 0}};
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    ev.sigev_notify = SIGEV_THREAD;
    ev.sigev_notify_function = (void (*)(union sigval))dlsym(h, "tick");
    if (!ev.sigev_notify_function || timer_create(CLOCK_MONOTONIC, &ev, &t)) {
        dlclose(h);
        return -1;
    }
    timer_settime(t, 0, &in, NULL);
    sleep(5);
    dlclose(h); //! CWE-416/672/825
    return 0;
}
static const struct ops *current;
int choose(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    const struct ops *o = dlsym(h, "ops");
    if (!o) {
        dlclose(h);
        return -1;
    }
    current = o;
    if (!current->encode) {
        dlclose(h);
        return -1;
    }
    return 0;
}
int choose_b(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    const struct ops *o = dlsym(h, "ops");
    if (!o || !o->encode) {
        dlclose(h); //! none
        return -1;
    }
    current = o;
    return 0;
}
int encode(void *p, int n) { return current ? current->encode(p, n) : -1; }
int made_inside(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1;
    void *(*make)(void) = (void *(*)(void))dlsym(h, "make");
    void (*unmake)(void *) = (void (*)(void *))dlsym(h, "unmake");
    if (!make || !unmake) {
        dlclose(h);
        return -1;
    }
    void *o = make();
    dlclose(h);
    unmake(o); //! CWE-416/672/825
    return 0;
}
