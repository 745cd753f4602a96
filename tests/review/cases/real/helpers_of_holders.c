/* Helpers of helpers, of which every caller holds the lock; what is new, and what is a literal by each way. */
#include <dlfcn.h>
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *tree;
static void *module;

static void add_seventh(const char *name) {
    g_hash_table_insert(tree, g_strdup(name), module); //! none
}
static void add_sixth(const char *name) { if (name[0]) add_seventh(name); }
static void add_fifth(const char *name) { if (name[1]) add_sixth(name); }
static void add_fourth(const char *name) { if (name[2]) add_fifth(name); }
static void add_third(const char *name) { if (name[3]) add_fourth(name); }
static void add_second(const char *name) { if (name[4]) add_third(name); }
static void add_first(const char *name) { if (name[5]) add_second(name); }

void grow(const char *name) {
    pthread_mutex_lock(&tree_lock);
    tree = g_hash_table_new(g_str_hash, g_str_equal);
    add_first(name);
    pthread_mutex_unlock(&tree_lock);
}

void *look(const char *name) {
    pthread_mutex_lock(&tree_lock);
    void *found = g_hash_table_lookup(tree, name);
    pthread_mutex_unlock(&tree_lock);
    return found;
}

void open_module(const char *name) {
    module = dlopen(name, RTLD_NOW);
    if (module == NULL)
        fputs(dlerror(), stderr);
}

struct zone {
    int ref_count;
};

void zone_ref(struct zone *zone) {
    g_atomic_int_inc(&zone->ref_count);
}

struct zone *zone_new(void) {
    struct zone *made = NULL;
    made = g_slice_new0(struct zone);
    made->ref_count++; //! none
    return made;
}

void zone_again(struct zone *zone) {
    zone->ref_count++; //! CWE-366
}

static const char *colour_of(int level) {
    if (level > 3)
        return "\033[1;31m";
    return level ? "\033[33m" : "";
}

static void prefix_of(char prefix[40], int level) {
    strcpy(prefix, colour_of(level)); //! none
    strcat(prefix, "loader: ");
}

void say(int level) {
    char prefix[40];
    prefix_of(prefix, level);
    fputs(prefix, stdout);
}

int moved(int from, int to) {
    if (from == to) //! none
        return to;
    return dup2(from, to);
}

int set_up(void) {
    int report = dup(2);
    return moved(report, 1);
}
