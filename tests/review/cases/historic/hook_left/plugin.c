/* A plugin was taken out of memory while the transport still had its callback. */
#include <dlfcn.h>
#include <stdlib.h>
#include "transport.h"

static void *library;
static event_fn on_event;

int attach(const char *file)
{
    library = dlopen(file, RTLD_NOW);
    if (!library)
        return -1;
    on_event = (event_fn)dlsym(library, "on_event");
    if (!on_event) {
        dlclose(library);
        library = NULL;
        return -1;
    }
    transport_listen(on_event);
    return 0;
}

void detach(void)
{
    if (library) {
        on_event = NULL;
        dlclose(library);
        library = NULL;
    }
}
