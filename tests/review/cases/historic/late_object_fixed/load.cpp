// The object and its library in one holder: members end in the order opposite to their declarations.
#include <dlfcn.h>
#include <memory>
#include <string>

class Plugin {
public:
    virtual ~Plugin() {}
    virtual void run() = 0;
};

struct Close {
    void operator()(void *library) const { dlclose(library); }
};

struct Loaded {
    std::unique_ptr<void, Close> library;
    std::unique_ptr<Plugin> plugin;
};

typedef Plugin *(*Create)();

Loaded load(const std::string &file)
{
    Loaded loaded;
    loaded.library.reset(dlopen(file.c_str(), RTLD_NOW));
    if (!loaded.library)
        return loaded;
    Create create = reinterpret_cast<Create>(dlsym(loaded.library.get(), "create_plugin"));
    if (create)
        loaded.plugin.reset(create());
    return loaded; //! none
}
