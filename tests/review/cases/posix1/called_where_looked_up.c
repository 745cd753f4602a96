#include <dlfcn.h>
#include <stdio.h>
typedef int (*start_fn)(int);
int run(const char *n){
    void *h = dlopen("/usr/lib/app/core.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    int r = ((start_fn)dlsym(h, "core_start"))(3); //! CWE-690
    dlclose(h);
    return r;
}
int run2(void){
    void *h = dlopen("/usr/lib/app/core.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    int r = (*(int (*)(void))dlsym(h, "core_start"))(); //! CWE-690
    dlclose(h);
    return r;
}
