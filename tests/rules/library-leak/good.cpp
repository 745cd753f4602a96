#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <string>

struct Closer { void operator()(void *h) const { if (h) dlclose(h); } };

int call(const std::string &path)
{
    std::unique_ptr<void, Closer> h(dlopen("/opt/x/lib.so", RTLD_NOW));
    if (!h)
        throw std::runtime_error(dlerror());
    auto f = reinterpret_cast<int (*)()>(dlsym(h.get(), "f"));
    if (!f)
        throw std::runtime_error("f is missing");
    return f();
}
