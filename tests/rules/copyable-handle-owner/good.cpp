#include <dlfcn.h>
#include <utility>

class Library {
public:
    explicit Library(const char *path) : handle_(dlopen(path, RTLD_NOW)) {}
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;
    Library(Library &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    ~Library()
    {
        if (handle_)
            dlclose(handle_);
    }
    bool ok() const { return handle_ != nullptr; }
private:
    void *handle_;
};
