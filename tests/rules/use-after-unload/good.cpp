#include <dlfcn.h>
#include <functional>
#include <stdexcept>

using Hook = int (*)(int);
static Hook g_hook;
static void *g_lib;

void attach()
{
    void *lib = dlopen("/usr/lib/hooks.so", RTLD_NOW);
    if (lib == nullptr)
        throw std::runtime_error(dlerror());
    g_hook = reinterpret_cast<Hook>(dlsym(lib, "hook"));
    if (g_hook == nullptr) {
        dlclose(lib);
        throw std::runtime_error("no hook");
    }
    g_lib = lib;
}
