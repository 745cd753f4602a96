#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>

static char *plugin_path;

static void configure(void)
{
    const char *e = getenv("PLUGIN");
    plugin_path = e ? strdup(e) : 0;
}

static void *open_configured(void)
{
    return dlopen(plugin_path, RTLD_NOW); /* expect: CWE-114 */
}

int main(void)
{
    configure();
    void *h = open_configured();
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return 0;
}
