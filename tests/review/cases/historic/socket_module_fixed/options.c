/* The path is fixed when the daemon is built; the socket sets how much is logged, and no more. */
#include <stdlib.h>
#include <string.h>
#include "daemon.h"

int verbosity;

int set_option(struct daemon *daemon, const char *name, const char *value)
{
    if (strcmp(name, "verbosity") == 0) {
        verbosity = atoi(value);
        return 0;
    }
    return -1;
}

void configure(struct daemon *daemon)
{
    daemon->engine_path = "/usr/lib/daemon/engine.so";
}
