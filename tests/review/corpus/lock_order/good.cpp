#include <dlfcn.h>
#include <mutex>

static std::mutex tableMutex;
static std::mutex loadMutex;
static void *handle;

void load()
{
    std::scoped_lock both(tableMutex, loadMutex);
    handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
}

void unload()
{
    std::scoped_lock both(loadMutex, tableMutex);
    if (handle) {
        dlclose(handle);
        handle = nullptr;
    }
}
