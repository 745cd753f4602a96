#include <dlfcn.h>
#include <mutex>
#include <stdexcept>

static std::mutex gate;
static void *library;

static void *found(const char *name)
{
    void *entry = dlsym(library, name);
    if (entry == nullptr)
        throw std::runtime_error(name);
    return entry;
}

void *with_guard(const char *name)
{
    std::unique_lock<std::mutex> lock(gate);
    lock.unlock();
    if (library == nullptr)
        library = dlopen("/usr/lib/one.so", RTLD_NOW | RTLD_LOCAL);
    lock.lock(); //! none CWE-667
    void *entry = found(name);
    lock.unlock();
    return entry;
}

void *by_hand(const char *name)
{
    gate.lock(); //! CWE-667
    void *entry = found(name);
    gate.unlock();
    return entry;
}
