#include <dlfcn.h>

class Library {  // bad
public:
    explicit Library(const char *path) : handle_(dlopen(path, RTLD_NOW)) {}
    ~Library()
    {
        if (handle_)
            dlclose(handle_);
    }
    bool ok() const { return handle_ != nullptr; }
private:
    void *handle_;
};
