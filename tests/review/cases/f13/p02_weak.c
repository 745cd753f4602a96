/* kiosk: front ends are modules, one loaded at a time */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static void *current;
static int (*show)(const char *);
static int depth;

static int bind_symbols(void *h)
{
    show = (int (*)(const char *))dlsym(h, "front_show");
    return show != NULL;
}

int front_switch(const char *so)
{
    void *h;
    pthread_mutex_lock(&mtx);
    h = dlopen(so, RTLD_NOW);
    if (!h) {
        fprintf(stderr, "front: %s\n", dlerror());
        return -1;  //! CWE-667
    }
    if (!bind_symbols(h)) {
        dlclose(h);
        show = NULL;
        pthread_mutex_unlock(&mtx);
        return -2;
    }
    if (current)
        dlclose(current);
    current = h;
    pthread_mutex_unlock(&mtx);
    return 0;
}

int front_message(const char *text)
{
    int rc = -1;
    if (show)
        rc = show(text);
    return rc;
}
int front_depth(void)
{
    int d;
    pthread_mutex_lock(&mtx);
    d = depth;
    pthread_mutex_unlock(&mtx);
    return d;
}
void front_nest(int by)
{
    pthread_mutex_lock(&mtx);
    depth += by;
    pthread_mutex_unlock(&mtx);
}
