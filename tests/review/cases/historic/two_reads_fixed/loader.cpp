// The reason is asked for once.
#include <dlfcn.h>
#include <string>

class Loader {
public:
    bool open(const char *file)
    {
        handle_ = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        if (!handle_) {
            const char *reason = dlerror();
            error_ = reason ? reason : "not loaded"; //! none
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
