/* a helper that only reads, called with the lock held: no finding; an entry opened again is no stale one */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

struct module { char name[32]; void *so; int (*run)(void); };
static struct module modules[4];
static int n_modules;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct module *find(const char *name)
{
    for (int i = 0; i < n_modules; i++)
        if (strcmp(modules[i].name, name) == 0)
            return &modules[i];
    return NULL;
}

static int attach(struct module *m)
{
    m->so = dlopen("/usr/lib/host/module.so", RTLD_NOW | RTLD_LOCAL);
    if (!m->so)
        return -1;
    m->run = (int (*)(void))dlsym(m->so, "run");
    if (!m->run) {
        dlclose(m->so);
        m->so = NULL;
        return -1;
    }
    return 0;
}

int add(void)
{
    int rc = -1;

    pthread_mutex_lock(&lock);
    if (n_modules < 4 && attach(&modules[n_modules]) == 0) {
        n_modules++;
        rc = 0;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int run(const char *name)
{
    int rc = -1;

    pthread_mutex_lock(&lock);
    struct module *m = find(name);
    if (m)
        rc = m->run();
    pthread_mutex_unlock(&lock);
    return rc;
}
