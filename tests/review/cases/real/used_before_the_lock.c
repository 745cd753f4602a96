/* What is used outside the lock without being tested decides nothing: no double-checked locking. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine {
    void *library;
    int (*wait)(void);
    void (*check)(void);
};

static struct engine *engine;
static void *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void set_engine(struct engine *given) {
    pthread_mutex_lock(&lock);
    engine = given;
    pthread_mutex_unlock(&lock);
}

void serve(void) {
    engine->wait(); //! none CWE-609
    pthread_mutex_lock(&lock);
    engine->check();
    engine = NULL;
    pthread_mutex_unlock(&lock);
}

void *first_table(void) {
    if (!table) { //! CWE-609
        pthread_mutex_lock(&lock);
        if (!table)
            table = dlopen("libtable.so.1", RTLD_NOW);
        pthread_mutex_unlock(&lock);
    }
    return table;
}

/* The slash that the second text begins with is left out: that is the room for the end. */
char *address_of(const char *host, const char *path) {
    char *address = malloc(strlen(host) + strlen(path)); //! none
    if (address != NULL)
        sprintf(address, "%s%s", host, path + 1);
    return address;
}

char *whole_address_of(const char *host, const char *path) {
    char *address = malloc(strlen(host) + strlen(path)); //! CWE-131
    if (address != NULL)
        sprintf(address, "%s%s", host, path);
    return address;
}
