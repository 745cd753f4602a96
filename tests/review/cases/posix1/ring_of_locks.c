#include <dlfcn.h>
#include <pthread.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;
static void *h1; static int users, entries;
void one(void){ pthread_mutex_lock(&a); pthread_mutex_lock(&b); h1 = dlopen("/usr/lib/x.so", RTLD_NOW); users++; pthread_mutex_unlock(&b); pthread_mutex_unlock(&a);}
void two(void){ pthread_mutex_lock(&b); pthread_mutex_lock(&c); entries++; users++; pthread_mutex_unlock(&c); pthread_mutex_unlock(&b);}
void three(void){ pthread_mutex_lock(&c); pthread_mutex_lock(&a); if (h1) { dlclose(h1); h1 = 0; } pthread_mutex_unlock(&a); pthread_mutex_unlock(&c);} //! CWE-833
