#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <stdio.h>
struct node { struct node *deps[8]; int n; const char *path; void *handle; };
static pthread_mutex_t tree_lock = PTHREAD_MUTEX_INITIALIZER;
int load_tree(struct node *x){
    pthread_mutex_lock(&tree_lock);
    for (int i = 0; i < x->n; i++)
        if (load_tree(x->deps[i]) < 0) { //! CWE-764
            pthread_mutex_unlock(&tree_lock);
            return -1;
        }
    x->handle = dlopen(x->path, RTLD_NOW);
    if (!x->handle) fprintf(stderr, "%s\n", dlerror());
    pthread_mutex_unlock(&tree_lock);
    return x->handle ? 0 : -1;
}
static int load_one(struct node *x){
    for (int i = 0; i < x->n; i++)
        if (load_one(x->deps[i]) < 0) //! none
            return -1;
    x->handle = dlopen(x->path, RTLD_NOW);
    if (!x->handle) fprintf(stderr, "%s\n", dlerror());
    return x->handle ? 0 : -1;
}
int load_all(struct node *x){
    pthread_mutex_lock(&tree_lock);
    int r = load_one(x);
    pthread_mutex_unlock(&tree_lock);
    return r;
}
int load_stepwise(struct node *x){
    for (int i = 0; i < x->n; i++) {
        pthread_mutex_lock(&tree_lock);
        int ready = x->deps[i]->handle != NULL;
        pthread_mutex_unlock(&tree_lock);
        if (!ready && load_stepwise(x->deps[i]) < 0) return -1; //! none
    }
    return 0;
}
