#include <dlfcn.h>
#include <stdlib.h>

typedef int (*init_fn)(int);

int run_plugin(void)
{
    void *h = dlopen("/usr/lib/app/plugin.so", RTLD_NOW | RTLD_LOCAL);
    if (!h)
        return -1;
    init_fn init = (init_fn)dlsym(h, "plugin_init");
    int rc = -1;
    if (init)
        rc = init(3);
    dlclose(h);
    return rc;
}
