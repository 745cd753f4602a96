/* Where layers of a graphics loader are was taken from the environment, whatever the rights of the program. */
#include <stdlib.h>
#include "layers.h"

char *layer_setting(const char *name)
{
    return getenv(name);
}
