#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

static void **libraries;
static size_t count;

int keep(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return -1;
    void **grown = realloc(libraries, (count + 1) * sizeof *libraries);
    if (!grown) {
        dlclose(library);
        return -1;
    }
    libraries = grown;
    libraries[count++] = library;
    return 0;
}

void close_all(void) {
    while (count > 0)
        dlclose(libraries[--count]); //! none CWE-125/CWE-787
    free(libraries);
    libraries = NULL;
}

static void *poll_from(void *argument) {
    int first = (int)(intptr_t)argument; //! none CWE-704
    return libraries[first];
}

static void *poll_object(void *object) {
    int cut = (int)(intptr_t)object; //! CWE-704
    return object == NULL ? NULL : libraries[cut];
}

int start(pthread_t *one, pthread_t *other) {
    if (pthread_create(one, NULL, poll_from, (void *)(intptr_t)1) != 0)
        return -1;
    return pthread_create(other, NULL, poll_object, libraries);
}
