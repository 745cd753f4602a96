#include <dlfcn.h>
#include <stdexcept>
#include <string>

int call(const std::string &path)
{
    void *h = dlopen("/opt/x/lib.so", RTLD_NOW);
    if (!h)
        throw std::runtime_error(dlerror());
    auto f = reinterpret_cast<int (*)()>(dlsym(h, "f"));
    if (!f)
        throw std::runtime_error("f is missing");  // bad
    int rc = f();
    dlclose(h);
    return rc;
}
