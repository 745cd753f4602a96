/* a use is counted and not given back when what follows fails */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

struct plugin { void *lib; void *(*create)(void); int refs; };
struct task { struct plugin *plugin; void *state; };
static struct plugin plugin;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int plugin_open(const char *path)
{
    plugin.lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin.lib == NULL)
        return -1;
    plugin.create = (void *(*)(void))dlsym(plugin.lib, "create");
    if (plugin.create == NULL) {
        dlclose(plugin.lib);
        return -1;
    }
    return 0;
}

static struct plugin *acquire(void)
{
    struct plugin *p = &plugin;

    pthread_mutex_lock(&lock);
    p->refs++;
    pthread_mutex_unlock(&lock);
    return p;
}

static void release(struct plugin *p)
{
    pthread_mutex_lock(&lock);
    p->refs--;
    pthread_mutex_unlock(&lock);
}

struct task *task_new(void)
{
    struct task *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->plugin = acquire();
    t->state = t->plugin->create();
    if (t->state == NULL) {
        free(t);
        return NULL; /* expect: CWE-911 */
    }
    return t;
}

struct task *task_new_well(void)
{
    struct task *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    t->plugin = acquire();
    t->state = t->plugin->create();
    if (t->state == NULL) {
        release(t->plugin);
        free(t);
        return NULL;
    }
    return t;
}
