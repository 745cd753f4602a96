#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "driver.h"

static void *open_along(const char *path, const char *name, int strict)
{
    char *copy = strdup(path), *rest = NULL, file[512];
    void *found = NULL;
    for (char *dir = strtok_r(copy, ":", &rest); dir && !found; dir = strtok_r(NULL, ":", &rest)) {
        int made = snprintf(file, sizeof file, "%s/%s_drv.so", dir, name);
        if (made < 0 || (size_t)made >= sizeof file)
            continue;
        found = dlopen(file, RTLD_NOW); //! none
    }
    free(copy);
    return found;
}

void *open_driver(const char *name)
{
    return open_along(driver_directories_now(), "generic", 0);
}
