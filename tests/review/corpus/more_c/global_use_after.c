#include <dlfcn.h>

static void *module;
static int (*compute)(int);

int open_module(void)
{
    module = dlopen("/usr/lib/m.so", RTLD_NOW);
    if (!module)
        return -1;
    compute = (int (*)(int))dlsym(module, "compute");
    if (!compute) {
        dlclose(module);
        module = 0;
        return -1;
    }
    return 0;
}

int reload(void)
{
    if (open_module() != 0)
        return -1;
    int a = compute(1);
    dlclose(module);
    module = 0;
    return a + compute(2); /* expect: CWE-416 */
}
