#include <string.h>
#include <stdlib.h>
#include "daemon.h"

int set_option(struct daemon *daemon, const char *name, const char *value)
{
    if (strcmp(name, "engine_path") == 0) {
        free(daemon->engine_path);
        daemon->engine_path = strdup(value);
        return daemon->engine_path ? 0 : -1;
    }
    return -1;
}
