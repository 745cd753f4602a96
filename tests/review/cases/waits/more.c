/* The same kinds through helpers, tables, structs and a switch. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    void *handle;
    atomic_uint users;
};

static void queue_enter(struct queue *q) { pthread_mutex_lock(&q->mutex); }
static void queue_leave(struct queue *q) { pthread_mutex_unlock(&q->mutex); }

void *queue_get_once(struct queue *q)
{
    void *h;

    queue_enter(q);
    if (q->handle == NULL)
        pthread_cond_wait(&q->filled, &q->mutex); //! CWE-662
    h = q->handle;
    queue_leave(q);
    return h;
}

static void queue_end(struct queue *q)
{
    dlclose(q->handle);
    free(q);
}

void queue_put_wrong(struct queue *q)
{
    atomic_fetch_sub(&q->users, 1);
    if (!atomic_load(&q->users)) //! CWE-362
        queue_end(q);
}

void queue_put(struct queue *q)
{
    if (atomic_fetch_sub(&q->users, 1) == 1) //! none CWE-362
        queue_end(q);
}

static void *plugin;

static void on_end(int number)
{
    dlclose(plugin); //! CWE-479
    _exit(number);
}

static const struct {
    int number;
    void (*handler)(int);
} on_signals[] = {{SIGTERM, on_end}, {SIGINT, on_end}};

struct listener {
    void (*told)(void *, int);
    void *arg;
};
static struct listener listeners[8];
static int count;
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;

int listen_to(void *library, void *arg)
{
    void (*told)(void *, int) = (void (*)(void *, int))dlsym(library, "told");

    if (!told)
        return -1;
    pthread_mutex_lock(&table);
    if (count < 8) {
        listeners[count].told = told;
        listeners[count].arg = arg;
        count++;
    }
    pthread_mutex_unlock(&table);
    return 0;
}

void tell(int event)
{
    pthread_mutex_lock(&table);
    for (int i = 0; i < count; i++)
        listeners[i].told(listeners[i].arg, event); //! CWE-833
    pthread_mutex_unlock(&table);
}

static void *tick(void *unused)
{
    for (;;)
        sleep(1);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    for (int i = 0; i < 2; i++)
        signal(on_signals[i].number, on_signals[i].handler);
    plugin = dlopen("/usr/lib/libplugin.so", RTLD_NOW);
    if (!plugin || pthread_create(&thread, NULL, tick, NULL) != 0)
        return 1;
    switch (fork()) {
    case 0:
        _exit(dlopen("/usr/lib/libother.so", RTLD_NOW) == NULL); //! CWE-662
    case -1:
        return 1;
    default:
        break;
    }
    pause();
    dlclose(plugin); //! none CWE-416
    return argc > 1 && argv[1][0];
}
