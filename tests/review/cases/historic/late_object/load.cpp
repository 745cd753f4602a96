// A plugin's object was given to its user while the function that made it closed the library behind it.
#include <dlfcn.h>
#include <memory>
#include <string>

class Plugin {
public:
    virtual ~Plugin() {}
    virtual void run() = 0;
};

typedef Plugin *(*Create)();

std::unique_ptr<Plugin> load(const std::string &file)
{
    void *library = dlopen(file.c_str(), RTLD_NOW);
    if (!library)
        return nullptr;
    Create create = reinterpret_cast<Create>(dlsym(library, "create_plugin"));
    if (!create) {
        dlclose(library);
        return nullptr;
    }
    std::unique_ptr<Plugin> made(create());
    dlclose(library);
    return made; //! CWE-416/672/825
}
