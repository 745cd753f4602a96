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

void one_branch(int wanted)
{
    pthread_mutex_lock(&table);
    if (wanted) {
        pthread_mutex_unlock(&table);
    } else {
        paused = 1;
    }
} //! CWE-667

#define HOLD(it) if (it) pthread_mutex_lock(&it->lock)
#define LET_GO(it) if (it) pthread_mutex_unlock(&it->lock)

struct trace { pthread_mutex_t lock; int count; };

static void count_one(struct trace *trace)
{
    HOLD(trace);
    busy++;
    LET_GO(trace);
}

void count_two(struct trace *trace)
{
    count_one(trace);
    HOLD(trace);
    for (int n = 0; n < 8; n++)
        if (busy == n)
            break;
    LET_GO(trace); //! none
}
