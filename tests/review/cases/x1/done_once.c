/* what is done once, where a second thread does not wait for the first: threads of the file, and what a comment says */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
struct codec { void *handle; int (*decode)(const char *); };
static struct codec table[8], early[8];
static int filled, ready;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *whole;
static void fill_table(void)
{
    if (filled)
        return;
    filled = 1;
    for (int i = 0; i < 8; i++)
        table[i].handle = dlopen("/usr/lib/codecs/base.so", RTLD_NOW); //! CWE-362
}
static void fill_early(void)
{
    if (ready)
        return;
    ready = 1;
    for (int i = 0; i < 8; i++)
        early[i].handle = dlopen("/usr/lib/codecs/base.so", RTLD_NOW); //! none CWE-362
}
static void load_whole(void)
{
    whole = dlopen("/usr/lib/codecs/whole.so", RTLD_NOW);
}
static void *serve(void *arg)
{
    fill_table();
    pthread_once(&once, load_whole); //! none CWE-362
    if (whole && table[0].decode && early[0].decode)
        table[0].decode(arg);
    return NULL;
}
int main(void)
{
    pthread_t ids[4];
    fill_early();
    for (int i = 0; i < 4; i++)
        if (pthread_create(&ids[i], NULL, serve, "x"))
            return 1;
    for (int i = 0; i < 4; i++)
        pthread_join(ids[i], NULL);
    return 0;
}

static atomic_flag begun = ATOMIC_FLAG_INIT;
static atomic_int state;
static void *engine, *other;
static int (*entry)(void), (*waited)(void);
int use(void)
{
    if (!atomic_flag_test_and_set(&begun)) {
        engine = dlopen("/usr/lib/e.so", RTLD_NOW); //! CWE-362
        if (engine)
            entry = (int (*)(void))dlsym(engine, "entry");
    }
    return entry ? entry() : -1;
}
int use_waits(void)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&state, &none, 1)) {
        other = dlopen("/usr/lib/e.so", RTLD_NOW); //! none CWE-362
        if (other)
            waited = (int (*)(void))dlsym(other, "entry");
        atomic_store(&state, 2);
    }
    while (atomic_load(&state) != 2)
        ;
    return waited ? waited() : -1;
}
