#ifndef HOST_H
#define HOST_H
#include "trace.h"
#define BAIL_UNLESS(ok) do { if (!(ok)) goto fail; } while (0)
#define SAFE_CLOSE(h) do { if (h) { dlclose(h); (h) = NULL; } } while (0)
#define HOLD(host) pthread_mutex_lock(&(host)->guard)
#define LET_GO(host) pthread_mutex_unlock(&(host)->guard)
#define BIND(host, name) ((*(void **)&(host)->name = dlsym((host)->library, "host_" #name)) != NULL)
struct host { void *library; int (*run)(int); pthread_mutex_t guard; int used; };
#endif
