/* Locks round loads: taken twice, kept on a way out, taken in two orders. */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static void *handle;

void *taken_twice(const char *path)
{
    pthread_mutex_lock(&table);
    if (handle == NULL) {
        pthread_mutex_lock(&table); //! CWE-764 CWE-667
        handle = dlopen(path, RTLD_NOW);
        pthread_mutex_unlock(&table);
    }
    pthread_mutex_unlock(&table);
    return handle;
}

int kept_on_failure(const char *path)
{
    pthread_mutex_lock(&table);
    handle = dlopen(path, RTLD_NOW);
    if (handle == NULL)
        return -1; //! CWE-667 CWE-764
    pthread_mutex_unlock(&table);
    return 0;
}

void one_order(void)
{
    pthread_mutex_lock(&table);
    pthread_mutex_lock(&log_lock);
    if (handle != NULL && dlclose(handle) == 0)
        handle = NULL;
    pthread_mutex_unlock(&log_lock);
    pthread_mutex_unlock(&table);
}

void other_order(void)
{
    pthread_mutex_lock(&log_lock);
    pthread_mutex_lock(&table); //! CWE-833
    if (handle != NULL && dlclose(handle) == 0)
        handle = NULL;
    pthread_mutex_unlock(&table);
    pthread_mutex_unlock(&log_lock);
}
