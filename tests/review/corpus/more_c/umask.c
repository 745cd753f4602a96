#include <sys/stat.h>

int make_plugin_dir(void)
{
    return mkdir("/var/lib/app/plugins", 0777); /* expect: CWE-732 */
}
