#include <dlfcn.h>
#include <stdio.h>
#include "layers.h"

static void *layer;

int enable_layers(void)
{
    char file[1024];
    const char *directory = layer_setting("GRAPHICS_LAYER_PATH");
    if (!directory)
        return 0;
    if ((size_t)snprintf(file, sizeof file, "%s/liblayer.so", directory) >= sizeof file)
        return -1;
    layer = dlopen(file, RTLD_NOW | RTLD_LOCAL); //! CWE-114/73/426/427/22
    return layer ? 0 : -1;
}
