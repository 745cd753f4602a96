#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "host.h"

struct host *host_open(void) {
    struct host *host = calloc(1, sizeof *host);
    if (!host)
        return NULL;
    host->library = dlopen("libhost.so.1", RTLD_NOW); //! none
    BAIL_UNLESS(host->library);
    BAIL_UNLESS(BIND(host, run)); //! none
    return host;
fail:
    SAFE_CLOSE(host->library);
    free(host);
    return NULL;
}

int host_use(struct host *host) {
    HOLD(host);
    if (host->used > 8)
        return -1; //! CWE-667
    host->used++;
    LET_GO(host);
    return 0;
}

int host_count(struct host *host) {
    HOLD(host);
    int used = host->used;
    LET_GO(host);
    return used; //! none
}

int host_read(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        RETURN(1);
    }
    char *line = malloc(100);
    if (line == NULL) {
        fclose(file);
        RETURN(1);
    }
    char *got = fgets(line, 100, file); //! none CWE-416
    fclose(file); //! none CWE-416
    if (got == NULL) {
        free(line);
        RETURN(2);
    }
    free(line); //! none CWE-415/CWE-416
    RETURN(0);
}
