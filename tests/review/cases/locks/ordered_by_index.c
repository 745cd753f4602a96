#include <dlfcn.h>
#include <pthread.h>
static pthread_mutex_t locks[8];
static void *h;
static int n;
void two(int i, int j) {
    if (i > j) { int t = i; i = j; j = t; }
    pthread_mutex_lock(&locks[i]);
    pthread_mutex_lock(&locks[j]);
    n++;
    pthread_mutex_unlock(&locks[j]);
    pthread_mutex_unlock(&locks[i]);
}
void other(int i, int j) {
    if (i < j) { int t = i; i = j; j = t; }
    pthread_mutex_lock(&locks[j]);
    pthread_mutex_lock(&locks[i]); //! none CWE-833
    n++;
    pthread_mutex_unlock(&locks[i]);
    pthread_mutex_unlock(&locks[j]);
}
int load(void) { h = dlopen("libx.so.1", RTLD_NOW); return h ? 0 : -1; }
