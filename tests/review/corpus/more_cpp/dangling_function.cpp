#include <dlfcn.h>
#include <functional>

std::function<int()> make()
{
    void *h = dlopen("/usr/lib/a.so", RTLD_NOW);
    if (!h)
        return {};
    auto f = reinterpret_cast<int (*)()>(dlsym(h, "f"));
    if (!f) {
        dlclose(h);
        return {};
    }
    std::function<int()> result = f;
    dlclose(h);
    return result; // expect: CWE-416
}
