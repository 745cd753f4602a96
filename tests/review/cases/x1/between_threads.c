/* a handle that one thread exchanges while another calls through it; under a lock; set up before the thread starts */
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>
static void *lib, *guarded, *first;
static int (*entry)(int), (*guarded_entry)(int), (*first_entry)(int);
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int stop;
static void *worker(void *a)
{
    while (!stop) {
        if (entry)
            entry(1);
        pthread_rwlock_rdlock(&rw);
        if (guarded_entry)
            guarded_entry(1);
        pthread_rwlock_unlock(&rw);
        first_entry(2);
    }
    return a;
}
static void *watcher(void *a)
{
    for (;;) {
        sleep(5);
        if (lib)
            dlclose(lib);
        lib = dlopen("/usr/lib/hot.so", RTLD_NOW);
        entry = lib ? (int (*)(int))dlsym(lib, "entry") : NULL; //! CWE-362
        pthread_rwlock_wrlock(&rw);
        if (guarded)
            dlclose(guarded);
        guarded = dlopen("/usr/lib/hot.so", RTLD_NOW);
        guarded_entry = guarded ? (int (*)(int))dlsym(guarded, "entry") : NULL; //! none CWE-362
        pthread_rwlock_unlock(&rw);
        stop = 1; //! none CWE-362
    }
    return a;
}
int main(void)
{
    pthread_t ids[2];
    first = dlopen("/usr/lib/first.so", RTLD_NOW);
    first_entry = first ? (int (*)(int))dlsym(first, "entry") : NULL; //! none CWE-362
    if (!first_entry)
        return 1;
    if (pthread_create(&ids[0], NULL, worker, NULL) || pthread_create(&ids[1], NULL, watcher, NULL))
        return 1;
    pause();
    return 0;
}
