#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void *open_versioned(void)
{
    char path[256];
    const char *v = getenv("ENGINE_VERSION");
    if (!v)
        return 0;
    snprintf(path, sizeof path, "/opt/engine/libengine-%s.so", v);
    return dlopen(path, RTLD_NOW); /* expect: CWE-73 */
}
