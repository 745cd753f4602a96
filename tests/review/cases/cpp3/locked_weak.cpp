// A weak pointer gives a shared one: the end of that ends no object that others hold.
#include <dlfcn.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

class Library {
public:
    explicit Library(const std::string &file) : handle_(dlopen(file.c_str(), RTLD_NOW))
    {
        if (handle_ == nullptr)
            throw std::runtime_error("no library");
        make_ = reinterpret_cast<int (*)(int)>(dlsym(handle_, "make"));
        if (make_ == nullptr) {
            dlclose(handle_);
            throw std::runtime_error("no make");
        }
    }
    ~Library() { dlclose(handle_); }
    Library(const Library &) = delete;
    int make(int what) const { return make_(what); } //! none

private:
    void *handle_ = nullptr;
    int (*make_)(int) = nullptr;
};

class Catalogue {
public:
    std::shared_ptr<Library> get(const std::string &name)
    {
        auto &slot = open_[name];
        auto library = slot.lock();
        if (!library) {
            library = std::make_shared<Library>("/usr/lib/deck/" + name);
            slot = library;
        }
        return library;
    }

private:
    std::map<std::string, std::weak_ptr<Library>> open_;
};

int made(Catalogue &catalogue)
{
    const auto library = catalogue.get("parts.so");
    return library->make(3);
}
