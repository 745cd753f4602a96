#include <dlfcn.h>
#include <mutex>

static std::once_flag once;
static void *table;

void *symbols()
{
    std::call_once(once, [] { table = dlopen("/usr/lib/libsym.so", RTLD_NOW); });
    return table;
}
