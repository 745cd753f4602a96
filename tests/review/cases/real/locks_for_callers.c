/* Locks that are meant to be held when a function returns, and one that is not. */
#include <SDL_mutex.h>
#include <SDL_loadso.h>
#include <pthread.h>

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static SDL_mutex *list; /* SDL's may be taken again by its holder */
static void *library;
static int busy, paused;

void table_lock_when_awake(void)
{
again:
    pthread_mutex_lock(&table);
    if (paused) {
        pthread_mutex_unlock(&table);
        goto again;
    }
} //! none

int wait_with_the_callers_lock(void)
{
    pthread_mutex_unlock(&table);
    while (busy)
        continue;
    pthread_mutex_lock(&table);
    return paused; //! none
}

int open_once(const char *unused)
{
    pthread_mutex_lock(&table);
    if (library != NULL)
        return 0; //! CWE-667
    library = SDL_LoadObject("/opt/x/libx.so");
    pthread_mutex_unlock(&table);
    return library != NULL ? 0 : -1;
}

static void drop_one(void)
{
    SDL_LockMutex(list); //! none
    busy--;
    SDL_UnlockMutex(list);
}

void drop_all(void)
{
    SDL_LockMutex(list);
    while (busy > 0)
        drop_one(); //! none
    SDL_UnlockMutex(list);
}
