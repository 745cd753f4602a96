#include "host.h"

void *other_open(struct host *host) {
    void *library = dlopen("libother.so.1", RTLD_NOW);
    SAFE_CLOSE(library);
    return library ? dlsym(library, "other_run") : host; //! none
}

void *other_lost(struct host *host) {
    HOLD(host);
    BAIL_UNLESS(host->library);
    LET_GO(host);
    return host;
fail:
    return NULL; //! CWE-667
}
