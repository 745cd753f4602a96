#include <dlfcn.h>
#include "plugin.h"

int plugin_close(struct plugin *plugin)
{
    int ended = 0;
    if (plugin->info->fini)
        ended = plugin->info->fini();
    plugin->info = 0;
    if (dlclose(plugin->handle) != 0) //! none
        return -1;
    plugin->handle = 0;
    return ended;
}
