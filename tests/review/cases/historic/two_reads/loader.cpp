// The reason of a failure was asked for twice: the second answer is null, and a string was made of it.
#include <dlfcn.h>
#include <string>

class Loader {
public:
    bool open(const char *file)
    {
        handle_ = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        if (!handle_) {
            error_ = dlerror() ? dlerror() : "not loaded"; //! CWE-476/690/252/754/395/391/755
            return false;
        }
        return true;
    }
    ~Loader() { if (handle_) dlclose(handle_); }
    Loader() = default;
    Loader(const Loader &) = delete;
    Loader &operator=(const Loader &) = delete;

private:
    void *handle_ = nullptr;
    std::string error_;
};
