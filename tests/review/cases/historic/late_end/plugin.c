/* The end of a plugin was called when its library had gone: vaccel called it before, afterwards. */
#include <dlfcn.h>
#include <stdlib.h>
#include "plugin.h"

int plugin_open(struct plugin *plugin, const char *file)
{
    plugin->handle = dlopen(file, RTLD_NOW);
    if (!plugin->handle)
        return -1;
    plugin->info = dlsym(plugin->handle, "plugin_info");
    if (!plugin->info) {
        dlclose(plugin->handle);
        return -1;
    }
    return plugin->info->init ? plugin->info->init() : 0;
}
