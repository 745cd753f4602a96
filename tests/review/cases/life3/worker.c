#include <dlfcn.h>
#include <pthread.h>

static void *image;
static pthread_t worker;

int start(void)
{
    image = dlopen("libworker.so.1", RTLD_NOW);
    if (!image)
        return -1;
    void *(*work)(void *) = (void *(*)(void *))dlsym(image, "work");
    if (!work || pthread_create(&worker, NULL, work, NULL) != 0) {
        dlclose(image);
        image = NULL;
        return -1;
    }
    return 0;
}

void stop(void)
{
    pthread_detach(worker);
    dlclose(image); //! CWE-672
    image = NULL;
}

static void *other;
static pthread_t joined;

void stop_well(void)
{
    pthread_join(joined, NULL);
    if (other)
        dlclose(other); //! none
    other = NULL;
}
