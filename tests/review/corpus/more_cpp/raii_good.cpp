#include <dlfcn.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

class Library {
public:
    explicit Library(const std::string &path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    {
        if (!handle_)
            throw std::runtime_error(dlerror());
    }
    ~Library() { if (handle_) dlclose(handle_); }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;
    template <typename F> F symbol(const char *name) const
    {
        void *p = dlsym(handle_, name);
        if (!p)
            throw std::runtime_error(name);
        return reinterpret_cast<F>(p);
    }
private:
    void *handle_;
};

int use()
{
    Library lib("/usr/lib/a.so");
    auto f = lib.symbol<int (*)()>("f");
    return f();
}
