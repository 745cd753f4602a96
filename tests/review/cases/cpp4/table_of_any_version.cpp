// A table of functions says which version it is, and nobody reads it.
#include <dlfcn.h>

struct LampApi {
    unsigned version;
    int (*on)(int);
    int (*off)();
};

int light(void *handle)
{
    auto *api = static_cast<const LampApi *>(dlsym(handle, "lamp_api")); //! CWE-843
    return api ? api->on(1) : -1;
}
