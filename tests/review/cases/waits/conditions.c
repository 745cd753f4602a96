/* A loader thread announces a codec; those who wait for it ask in a loop, or only once. */
#include <dlfcn.h>
#include <pthread.h>

struct codec {
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    void *handle;
};

void codec_announce(struct codec *c, const char *path)
{
    void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    pthread_mutex_lock(&c->lock);
    c->handle = h;
    pthread_cond_broadcast(&c->loaded); //! none CWE-662
    pthread_mutex_unlock(&c->lock);
}

int codec_wait_once(struct codec *c)
{
    int there;

    pthread_mutex_lock(&c->lock);
    if (!c->handle)
        pthread_cond_wait(&c->loaded, &c->lock); //! CWE-662
    there = c->handle != 0;
    pthread_mutex_unlock(&c->lock);
    return there;
}

static void sleep_on(struct codec *c)
{
    pthread_cond_wait(&c->loaded, &c->lock); //! none CWE-662
}

void codec_wait(struct codec *c)
{
    pthread_mutex_lock(&c->lock);
    while (!c->handle)
        sleep_on(c);
    while (!c->handle)
        pthread_cond_wait(&c->loaded, &c->lock); //! none CWE-662
    pthread_mutex_unlock(&c->lock);
}
