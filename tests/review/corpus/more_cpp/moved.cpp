#include <dlfcn.h>
#include <memory>
#include <vector>

struct Close { void operator()(void *h) const noexcept { if (h) ::dlclose(h); } };
using Handle = std::unique_ptr<void, Close>;

static std::vector<Handle> loaded;

bool add(const char *)
{
    Handle h{::dlopen("/usr/lib/a.so", RTLD_NOW)};
    if (!h)
        return false;
    loaded.push_back(std::move(h));
    return true;
}
