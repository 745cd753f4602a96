#include <dlfcn.h>
#include <mutex>

static std::mutex m;
static void *h;

bool open()
{
    m.lock();
    h = dlopen("/usr/lib/a.so", RTLD_NOW);
    if (!h)
        return false; // expect: CWE-667
    m.unlock();
    return true;
}
