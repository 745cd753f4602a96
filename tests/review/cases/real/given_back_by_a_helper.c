/* A lock of the one table there is, given back by a helper that has the table as a parameter. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

struct table {
    pthread_mutex_t lock;
    int stamp;
    void *first;
};

struct shelf {
    int count;
    void *library;
};

static struct table table[1];

static void trim(struct table *local, int stamp) {
    if (local->stamp > stamp)
        local->first = NULL;
    pthread_mutex_unlock(&local->lock);
}

static void push(void *entry) {
    pthread_mutex_lock(&table->lock);
    table->first = entry;
    trim(table, table->stamp);
}

static void shelf_unload(struct shelf *shelf) {
    push(shelf->library);
    shelf->library = NULL;
    shelf->count = 0; //! none
}

void shelf_load(struct shelf *shelf, const char *name) {
    shelf->count = 0; //! none
    shelf->library = dlopen(name, RTLD_NOW);
    if (shelf->library != NULL)
        shelf->count++; //! none
}

static void *take(struct shelf *shelf, void *entry) {
    if (shelf->count > 2)
        shelf_unload(shelf);
    shelf->count++; //! none
    shelf->library = entry;
    return entry;
}

static void *take_for(struct shelf *shelf, int kind, void *entry) {
    return kind ? take(shelf, entry) : NULL;
}

void *give(struct shelf *shelf, void *entry) {
    void *given = take_for(shelf, 1, entry);
    shelf->count++; //! none
    return given;
}

void *give_all(struct shelf *shelf, void *entry) {
    return give(shelf, entry);
}

static void look(struct table *local) {
    pthread_mutex_lock(&local->lock);
    local->stamp++;
    pthread_mutex_unlock(&local->lock);
}

void twice(struct table *local) {
    pthread_mutex_lock(&local->lock);
    look(local); //! CWE-764 CWE-667 CWE-833
    pthread_mutex_unlock(&local->lock);
}
