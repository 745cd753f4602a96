/* A module whose start failed was unloaded, and stayed in the list of those that are called each round. */
#include <dlfcn.h>
#include <stddef.h>

struct module {
    void *library;
    int (*start)(void);
    int (*item)(const char *);
};

static struct module modules[16];
static size_t count;

int load_module(const char *path)
{
    struct module *one;
    if (count == 16)
        return -1;
    one = &modules[count];
    one->library = dlopen(path, RTLD_NOW);
    if (!one->library)
        return -1;
    one->start = (int (*)(void))dlsym(one->library, "module_start");
    one->item = (int (*)(const char *))dlsym(one->library, "module_item");
    if (!one->start || !one->item) {
        dlclose(one->library);
        return -1;
    }
    count++;
    if (one->start() != 0) {
        dlclose(one->library); //! CWE-416/672/825
        return -1;
    }
    return 0;
}

int each_round(const char *key)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++)
        failed += modules[i].item(key) != 0;
    return failed;
}
