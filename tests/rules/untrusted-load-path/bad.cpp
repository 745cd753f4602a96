#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <string>

class Host {
public:
    void load()
    {
        const char *env = std::getenv("APP_ENGINE");
        std::string path = env ? env : "/usr/lib/app/engine.so";
        handle_ = dlopen(path.c_str(), RTLD_NOW);  // bad
        if (!handle_)
            throw std::runtime_error(dlerror());
    }
private:
    void *handle_ = nullptr;
};
