/* A lookup that is only compared with a function of the program: null is none of them. */
#include <dlfcn.h>
#include <stdio.h>

int card_open(int port)
{
    return port;
}

int bind_real(const char *path)
{
    void *real = dlopen(path, RTLD_NOW);
    if (real == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    if (card_open == dlsym(real, "card_open")) { //! none
        fprintf(stderr, "that is this library itself\n");
        dlclose(real);
        return -1;
    }
    dlclose(real);
    return 0;
}
