#include <dlfcn.h>
#include <memory>

void f()
{
    void *raw = dlopen("/usr/lib/a.so", RTLD_NOW);
    if (!raw)
        return;
    std::unique_ptr<void, int (*)(void *)> owner(raw, &dlclose);
    dlclose(raw); // expect: CWE-675
}
