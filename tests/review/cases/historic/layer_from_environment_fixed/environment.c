/* A program with other rights than its user's does not ask the environment. */
#include <stdlib.h>
#include <unistd.h>
#include "layers.h"

char *layer_setting(const char *name)
{
    if (geteuid() != getuid() || getegid() != getgid())
        return NULL;
    return getenv(name);
}
