#include <dlfcn.h>
#include <mutex>

static std::mutex m;
static void *table;

void *symbols()
{
    if (!table) {  // bad
        std::lock_guard<std::mutex> guard(m);
        if (!table)
            table = dlopen("/usr/lib/libsym.so", RTLD_NOW);
    }
    return table;
}
