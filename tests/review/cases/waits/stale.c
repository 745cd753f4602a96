/* What is asked or copied under a lock and acted on without it; a child of a process with threads; tries without end. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *driver;
static void *pinned;

void driver_close(void)
{
    pthread_mutex_lock(&lock);
    if (driver)
        dlclose(driver);
    driver = NULL;
    pthread_mutex_unlock(&lock);
}

void *driver_find_late(const char *name)
{
    void *copy;

    pthread_mutex_lock(&lock);
    copy = driver;
    pthread_mutex_unlock(&lock);
    return copy ? dlsym(copy, name) : NULL; //! CWE-362
}

void *pinned_find(const char *name)
{
    void *copy;

    pthread_mutex_lock(&lock);
    copy = pinned; /* which nobody closes */
    pthread_mutex_unlock(&lock);
    return copy ? dlsym(copy, name) : NULL; //! none CWE-362
}

void driver_take_and_close(void)
{
    void *mine;

    pthread_mutex_lock(&lock);
    mine = driver;
    driver = NULL;
    pthread_mutex_unlock(&lock);
    if (mine) {
        void (*end)(void) = (void (*)(void))dlsym(mine, "end"); //! none CWE-362
        if (end)
            end();
        dlclose(mine);
    }
}

int driver_need_twice(const char *path)
{
    int missing;

    pthread_mutex_lock(&lock);
    missing = driver == NULL;
    pthread_mutex_unlock(&lock);
    if (missing) {
        pthread_mutex_lock(&lock);
        driver = dlopen(path, RTLD_NOW); //! CWE-362
        pthread_mutex_unlock(&lock);
    }
    return missing;
}

int driver_need(const char *path)
{
    int missing;

    pthread_mutex_lock(&lock);
    missing = driver == NULL;
    pthread_mutex_unlock(&lock);
    if (missing) {
        pthread_mutex_lock(&lock);
        if (driver == NULL)
            driver = dlopen(path, RTLD_NOW); //! none CWE-362
        pthread_mutex_unlock(&lock);
    }
    return missing;
}

static void *tick(void *unused)
{
    for (;;)
        sleep(1);
    return unused;
}

int run_child(const char *path)
{
    pthread_t thread;
    pid_t pid;

    if (pthread_create(&thread, NULL, tick, NULL) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        void *h = dlopen(path, RTLD_NOW); //! CWE-662
        _exit(h == NULL);
    }
    pid = fork();
    if (pid == 0) {
        execl("/usr/libexec/host", "host", path, (char *)NULL); //! none CWE-662
        _exit(127);
    }
    return pid < 0;
}

void *try_for_ever(const char *path)
{
    void *h;

    while ((h = dlopen(path, RTLD_NOW)) == NULL) //! CWE-835
        fprintf(stderr, "%s: %s\n", path, dlerror());
    return h;
}

void *try_with_pauses(const char *path)
{
    void *h;

    while ((h = dlopen(path, RTLD_NOW)) == NULL) //! none CWE-835
        sleep(1);
    return h;
}

void *try_each(const char *const *paths)
{
    void *h;

    while ((h = dlopen(*paths, RTLD_NOW)) == NULL) { //! none CWE-835
        if (!*++paths)
            break;
    }
    return h;
}
