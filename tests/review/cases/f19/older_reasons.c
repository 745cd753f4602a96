#include <dlfcn.h>
#include <stdio.h>

/* dlerror keeps the reason of whatever failed last, until it is read: before a lookup it decides about, it is cleared */

int level_of(void *h, const char *name, int otherwise)
{
    const int *value = dlsym(h, name);

    if (dlerror() == NULL) //! CWE-253
        return *value;
    return otherwise;
}

int call_named(void *h, const char *name)
{
    int (*run)(void);
    char *why;

    run = (int (*)(void))dlsym(h, name);
    if ((why = dlerror()) != NULL) { //! CWE-253
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    return run();
}

int size_of(void *h)
{
    const char *why;
    const unsigned *size = dlsym(h, "record_size");

    why = dlerror(); //! CWE-253
    if (why) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    return (int)*size;
}

/* Cleared first, or not what decides. */

int cleared(void *h, const char *name, int otherwise)
{
    const int *value;

    dlerror();
    value = dlsym(h, name);
    if (dlerror() == NULL) //! none CWE-253
        return *value;
    return otherwise;
}

int asked_itself(void *h, const char *name)
{
    int (*run)(void) = (int (*)(void))dlsym(h, name);
    const char *why = dlerror(); //! none CWE-253

    if (run == NULL) {
        fprintf(stderr, "%s\n", why ? why : "null");
        return -1;
    }
    return run();
}
