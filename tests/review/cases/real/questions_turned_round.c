#include <dlfcn.h>
#include <stdlib.h>
int get_private(void *t, void ***keys, unsigned *n);
int get_public(void *t, void ***keys, unsigned *n);
void *first(void *t, int secret)
{
    void **keys;
    unsigned n;
    if (secret != 0 && get_private(t, &keys, &n)) {
        return NULL;
    } else if (secret == 0 && get_public(t, &keys, &n)) {
        return NULL;
    }
    return keys[0]; //! none
}
void *second(void *t, int secret)
{
    void **keys;
    unsigned n = 0;
    if (secret != 0 && get_private(t, &keys, &n)) {
        return NULL;
    } else if (secret != 0 && get_public(t, &keys, &n)) {
        return NULL;
    }
    return keys[0]; //! CWE-457
}
void *run(void) { return dlopen("libz.so.1", RTLD_NOW); }
