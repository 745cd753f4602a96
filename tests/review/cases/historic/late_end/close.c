#include <dlfcn.h>
#include "plugin.h"

int plugin_close(struct plugin *plugin)
{
    int ended = 0;
    if (dlclose(plugin->handle) != 0)
        return -1;
    if (plugin->info->fini) //! CWE-416/672/825
        ended = plugin->info->fini();
    plugin->handle = 0;
    plugin->info = 0;
    return ended;
}
