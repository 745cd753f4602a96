/* two objects locked in the order of the arguments */
#include <dlfcn.h>
#include <pthread.h>
struct plugin { pthread_mutex_t lock; void *handle; int weight; };
void move_weight(struct plugin *from, struct plugin *to)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&to->lock); //! CWE-833
    to->weight += from->weight;
    from->weight = 0;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}
void move_in_order(struct plugin *from, struct plugin *to)
{
    struct plugin *first = from < to ? from : to;
    struct plugin *second = from < to ? to : from;
    if (from == to)
        return;
    pthread_mutex_lock(&first->lock);
    pthread_mutex_lock(&second->lock); //! none
    to->weight += from->weight;
    pthread_mutex_unlock(&second->lock);
    pthread_mutex_unlock(&first->lock);
}
int plugin_open(struct plugin *p)
{
    p->handle = dlopen("/usr/lib/p.so", RTLD_NOW);
    if (!p->handle)
        return -1;
    return pthread_mutex_init(&p->lock, NULL);
}
