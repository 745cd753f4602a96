#include <dlfcn.h>
#include <pthread.h>
#include <errno.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static void *lib;
int reload(const char *p){
    if (pthread_mutex_trylock(&m) != 0) {
        pthread_mutex_unlock(&m); //! CWE-667/832
        return -EBUSY;
    }
    if (lib) dlclose(lib);
    lib = dlopen("/usr/lib/x.so", RTLD_NOW);
    pthread_mutex_unlock(&m);
    return lib ? 0 : -1;
}
int drop(void){
    int got = pthread_mutex_trylock(&m);
    if (lib) { dlclose(lib); lib = 0; }
    pthread_mutex_unlock(&m); //! CWE-667/832
    return got;
}
int drop2(void){
    if (pthread_mutex_trylock(&m) == 0) {
        if (lib) { dlclose(lib); lib = 0; }
        pthread_mutex_unlock(&m); //! none
        return 0;
    }
    return -EBUSY; //! none
}
int drop3(void){
    if (pthread_mutex_trylock(&m) == 0) {
        if (!lib) return 0; //! CWE-667
        dlclose(lib); lib = 0;
        pthread_mutex_unlock(&m);
        return 0;
    }
    return -EBUSY; //! none
}
