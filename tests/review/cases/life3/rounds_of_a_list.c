#include <dlfcn.h>
#include <stdlib.h>

int give(void *library, char *objects);

int levels(int left) {
    void *library = dlopen("liblevels.so.1", RTLD_NOW);
    if (!library)
        return -1;
    char *objects = malloc(8);
    if (!objects) {
        dlclose(library);
        return -1;
    }
    while (left) {
        char *more = malloc(16 * (size_t)left);
        if (!more) {
            free(objects);
            dlclose(library);
            return -1;
        }
        if (give(library, more)) {
            free(objects);
            free(more); //! none
            dlclose(library);
            return -1;
        }
        free(objects);
        objects = more;
        left = give(library, objects);
    }
    free(objects); //! none
    dlclose(library);
    return 0;
}

int levels_twice(int left) {
    void *library = dlopen("liblevels.so.1", RTLD_NOW);
    if (!library)
        return -1;
    while (left) {
        char *more = malloc(16 * (size_t)left);
        if (!more)
            break;
        left = give(library, more);
        free(more);
        if (left < 0)
            free(more); //! CWE-415
    }
    dlclose(library);
    return 0;
}
