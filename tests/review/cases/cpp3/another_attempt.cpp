// What follows the handler runs only where the first attempt failed; a destructor lets no exception out.
#include <dlfcn.h>

#include <stdexcept>
#include <string>

class Plugin {
public:
    void open(const std::string &path)
    {
        handle_ = dlopen(path.c_str(), RTLD_NOW);
        if (handle_ == nullptr)
            throw std::runtime_error(path);
    }
    bool search(const std::string &name)
    {
        try {
            open("/usr/lib/deck/" + name);
            return true;
        } catch (const std::runtime_error &) { //! none CWE-390 CWE-391
        }
        open("/opt/deck/" + name);
        return true;
    }
    void close()
    {
        if (handle_ != nullptr && dlclose(handle_) != 0)
            throw std::runtime_error("close");
        handle_ = nullptr;
    }
    ~Plugin()
    {
        try {
            close();
        } catch (...) { //! none CWE-390 CWE-391
        }
    }
    Plugin() = default;
    Plugin(const Plugin &) = delete;

private:
    void *handle_ = nullptr;
};
