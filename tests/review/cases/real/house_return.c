/* A house's own return, whose definition is in a header that nobody has; and a call that only sounds like one. */

#include "trace.h"
#include <dlfcn.h>

int first_of(const char *names[], int count)
{
    void *library = 0;

    for (int i = 0; i < count; i++) {
        library = dlopen(names[i], RTLD_NOW);
        if (library == 0)
            continue;
        if (dlsym(library, "start") == 0) {
            dlclose(library);
            trace_return_int(-1);
        }
        if (dlsym(library, "stop") == 0) { //! none CWE-416/672
            dlclose(library); //! none CWE-675
            trace_return_int(-1);
        }
        dlclose(library); //! none CWE-675
    }
    trace_return_int(0);
}

void *whole(const char *name)
{
    void *library = dlopen(name, RTLD_NOW);

    if (library != 0 && dlsym(library, "start") == 0) {
        dlclose(library);
        note_return_val_if_reached(0);
    }
    return library; //! none CWE-416/672
}

int goes_on(const char *name)
{
    void *library = dlopen(name, RTLD_NOW);

    if (library == 0)
        return -1;
    if (dlsym(library, "start") == 0) {
        dlclose(library);
        note_return_code(0);
        note("no start");
    }
    return dlclose(library); //! CWE-675
}
