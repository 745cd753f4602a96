/* A video library looked for its driver along a path of the environment, in programs with more rights than their user:
   libva before it asked with secure_getenv. */
#include <stdlib.h>
#include "driver.h"

const char *driver_directories(void)
{
    const char *asked = getenv("VIDEO_DRIVERS_PATH");
    return asked ? asked : "/usr/lib/video";
}

const char *driver_directories_now(void)
{
    const char *asked = secure_getenv("VIDEO_DRIVERS_PATH");
    return asked ? asked : "/usr/lib/video";
}
