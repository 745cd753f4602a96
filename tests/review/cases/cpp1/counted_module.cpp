// A module that counts its users and ends itself; it is kept in a map, by a reference to its place there
#include <atomic>
#include <dlfcn.h>
#include <map>
#include <string>

class Module { //! none
public:
    bool load(const std::string &file)
    {
        lib_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!lib_)
            return false;
        make_ = reinterpret_cast<int (*)(const char *)>(dlsym(lib_, "glue_make"));
        return make_ != nullptr;
    }
    void release()
    {
        if (--refs_ == 0)
            delete this;
    }
    int make(const char *cls) { return make_(cls); }

private:
    ~Module() { if (lib_) dlclose(lib_); }
    void *lib_ = nullptr;
    int (*make_)(const char *) = nullptr;
    std::atomic<unsigned> refs_{1};
};

class Host {
public:
    int run(const std::string &file, const char *cls);

private:
    std::map<std::string, Module *> modules_;
};

int Host::run(const std::string &file, const char *cls)
{
    auto &slot = modules_[file];
    if (!slot) {
        auto *fresh = new Module();
        if (!fresh->load(file)) {
            fresh->release();
            modules_.erase(file);
            return -1; //! none
        }
        slot = fresh;
    }
    return slot->make(cls); //! none
}
