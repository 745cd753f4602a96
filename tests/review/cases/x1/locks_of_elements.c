/* locks put in order by an exchange of the parameters; elements of a table by two indexes */
#include <dlfcn.h>
#include <pthread.h>
struct plugin { pthread_mutex_t lock; void *handle; int weight; };
static struct plugin table[16];
void move_swapped(struct plugin *from, struct plugin *to)
{
    struct plugin *one = from, *two = to;
    if (from > to) {
        one = to;
        two = from;
    }
    pthread_mutex_lock(&one->lock); //! none CWE-764/833
    pthread_mutex_lock(&two->lock); //! none CWE-764/833
    to->weight += from->weight;
    pthread_mutex_unlock(&two->lock); //! none CWE-764/833
    pthread_mutex_unlock(&one->lock); //! none CWE-764/833
}
int join(int a, int b)
{
    pthread_mutex_lock(&table[a].lock);
    pthread_mutex_lock(&table[b].lock); //! CWE-833
    table[a].handle = table[b].handle;
    pthread_mutex_unlock(&table[b].lock);
    pthread_mutex_unlock(&table[a].lock);
    return 0;
}
int join_sorted(int a, int b)
{
    if (a > b) {
        int t = a;
        a = b;
        b = t;
    }
    pthread_mutex_lock(&table[a].lock);
    pthread_mutex_lock(&table[b].lock);
    table[a].handle = table[b].handle;
    pthread_mutex_unlock(&table[b].lock);
    pthread_mutex_unlock(&table[a].lock);
    return 0;
}
struct tree { pthread_mutex_t lock; struct tree *parent; int n; };
void up(struct tree *child)
{
    pthread_mutex_lock(&child->parent->lock);
    pthread_mutex_lock(&child->lock); //! none CWE-764/833
    child->n++;
    pthread_mutex_unlock(&child->lock); //! none CWE-764/833
    pthread_mutex_unlock(&child->parent->lock);
}
struct pool { pthread_mutex_t lock; int n; };
void give(struct pool *pool, struct plugin *p)
{
    pthread_mutex_lock(&pool->lock);
    pthread_mutex_lock(&p->lock); //! none CWE-764/833
    pool->n += p->weight;
    pthread_mutex_unlock(&p->lock); //! none CWE-764/833
    pthread_mutex_unlock(&pool->lock);
}
int load(void) { table[0].handle = dlopen("/usr/lib/a.so", RTLD_NOW); return table[0].handle ? 0 : -1; }
