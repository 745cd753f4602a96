// The version of one table is compared; the other table is the program's own, and its version is for the library.
#include <dlfcn.h>

struct LampApi {
    unsigned version;
    int (*on)(int);
    int (*off)();
};

struct HostApi {
    unsigned api_version;
    void (*say)(const char *);
};

int light(void *handle)
{
    auto *api = static_cast<const LampApi *>(dlsym(handle, "lamp_api")); //! none CWE-843
    if (!api || api->version != 3)
        return -1;
    return api->on(1);
}

void tell(void *context)
{
    static_cast<HostApi *>(context)->say("here"); //! none CWE-843
}
