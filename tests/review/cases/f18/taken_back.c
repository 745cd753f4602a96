/* the library has a function that takes its memory back, and nobody calls it */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct coder {
    void *so;
    int (*encode)(const void *in, size_t n, void **out, size_t *size);
    void (*release)(void *block);
    int (*set)(int key, void (*changed)(void *arg), void *arg);
    pthread_mutex_t lock;
    unsigned long edits;
};

int coder_open(struct coder *c)
{
    c->so = dlopen("/usr/lib/demo/coder.so", RTLD_NOW);
    if (c->so == NULL)
        return -1;
    *(void **)&c->encode = dlsym(c->so, "encode");
    *(void **)&c->release = dlsym(c->so, "release");
    *(void **)&c->set = dlsym(c->so, "set");
    if (c->encode == NULL || c->release == NULL || c->set == NULL) {
        dlclose(c->so);
        c->so = NULL;
        return -1;
    }
    return 0;
}
int save(struct coder *c, const void *in, size_t n, FILE *to)
{
    void *packed = NULL, *copy = malloc(n);
    size_t size = 0;

    free(copy); //! none
    if (c->encode(in, n, &packed, &size) != 0 || packed == NULL)
        return -1;
    n = fwrite(packed, 1, size, to);
    free(packed); //! CWE-762/763
    return n == size ? 0 : -1;
}
static void on_changed(void *arg)
{
    struct coder *c = arg;

    pthread_mutex_lock(&c->lock);
    c->edits++;
    pthread_mutex_unlock(&c->lock);
}
int set_key(struct coder *c, int key)
{
    int rc;

    pthread_mutex_lock(&c->lock);
    rc = c->set(key, on_changed, c); //! CWE-764/833
    pthread_mutex_unlock(&c->lock);
    return rc;
}
int set_other(struct coder *c, struct coder *other, int key)
{
    int rc;

    pthread_mutex_lock(&c->lock);
    rc = c->set(key, on_changed, other); //! none
    pthread_mutex_unlock(&c->lock);
    return rc;
}
