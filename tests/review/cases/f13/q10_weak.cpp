// once: lazy binding of the crypto back end
#include <dlfcn.h>
#include <atomic>
#include <mutex>
struct Api { int (*seal)(const void *, unsigned); int (*open)(const void *, unsigned); };
static Api *api;
static std::mutex api_mutex;
static Api *load()
{
    static Api a;
    void *h = dlopen("/usr/lib/seal/back.so", RTLD_NOW);
    if (!h)
        return nullptr;
    a.seal = reinterpret_cast<int (*)(const void *, unsigned)>(dlsym(h, "seal"));
    a.open = reinterpret_cast<int (*)(const void *, unsigned)>(dlsym(h, "open_sealed"));
    if (!a.seal || !a.open) {
        dlclose(h);
        return nullptr;
    }
    return &a;
}
Api *get()
{
    if (!api) {  //! CWE-362
        std::lock_guard<std::mutex> l(api_mutex);
        if (!api)
            api = load();
    }
    return api;
}
