#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
typedef int (*feed_fn)(const void *, int);
int feed(const void *data, size_t len){
    void *h = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    feed_fn f = (feed_fn)dlsym(h, "feed");
    int r = -1;
    if (f) r = f(data, (int)len); //! CWE-197/190/681/704
    dlclose(h);
    return r;
}
int feed_ok(const void *data, size_t len){
    void *h = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    feed_fn f = (feed_fn)dlsym(h, "feed");
    int r = -1;
    if (len <= 0x7fffffff && f) r = f(data, (int)len); //! none
    dlclose(h);
    return r;
}
int feed_text(const char *t){
    void *h = dlopen("/usr/lib/c/enc.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    feed_fn f = (feed_fn)dlsym(h, "feed");
    int r = -1;
    if (f) r = f(t, (int)strlen(t)); //! none
    dlclose(h);
    return r;
}
