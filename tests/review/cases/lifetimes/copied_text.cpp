// A member that is a string copies the array it is given; one that is a pointer keeps its address.
#include <cstdio>
#include <dlfcn.h>
#include <string>
class Plugin {
public:
    bool open(const char *path)
    {
        char name[64];
        handle_ = dlopen(path, RTLD_NOW);
        if (!handle_)
            return false;
        std::snprintf(name, sizeof name, "plug-in %s", path);
        product_ = name; //! none
        title_ = name; //! CWE-562/416/825
        return true;
    }
private:
    void *handle_ = nullptr;
    std::string product_;
    const char *title_ = nullptr;
};
