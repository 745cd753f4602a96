#include <sys/stat.h>
#include <stdio.h>

int install_plugin(const char *plugin_path)
{
    if (rename("/var/lib/app/new.so", plugin_path) != 0)
        return -1;
    return chmod(plugin_path, 0777);  /* bad */
}
