#include <dlfcn.h>
#include <mutex>

static std::mutex tableMutex;
static std::mutex loadMutex;
static void *handle;

void load()
{
    std::lock_guard<std::mutex> a(tableMutex);
    std::lock_guard<std::mutex> b(loadMutex);
    handle = dlopen("/usr/lib/liba.so", RTLD_NOW);
}

void unload()
{
    std::lock_guard<std::mutex> b(loadMutex);
    std::lock_guard<std::mutex> a(tableMutex); // expect: CWE-833
    if (handle) {
        dlclose(handle);
        handle = nullptr;
    }
}
