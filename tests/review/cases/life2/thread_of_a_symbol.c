#include <dlfcn.h>
#include <pthread.h>

int run_and_leave(const char *path)
{
    pthread_t thread;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *(*work)(void *);
    if (!library)
        return -1;
    work = (void *(*)(void *))dlsym(library, "work");
    if (!work || pthread_create(&thread, NULL, work, NULL) != 0) {
        dlclose(library);
        return -1;
    }
    dlclose(library); //! CWE-672
    return 0;
}

int run_and_wait(const char *path)
{
    pthread_t thread;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *(*work)(void *);
    if (!library)
        return -1;
    work = (void *(*)(void *))dlsym(library, "work");
    if (!work || pthread_create(&thread, NULL, work, NULL) != 0) {
        dlclose(library);
        return -1;
    }
    pthread_join(thread, NULL);
    dlclose(library); //! none
    return 0;
}

int run_if_it_starts(const char *path)
{
    pthread_t thread;
    int failed;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *(*work)(void *);
    if (!library)
        return -1;
    work = (void *(*)(void *))dlsym(library, "work");
    if (!work) {
        dlclose(library);
        return -1;
    }
    failed = pthread_create(&thread, NULL, work, NULL);
    if (failed) {
        dlclose(library); //! none
        return -1;
    }
    return 0;
}
