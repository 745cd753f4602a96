// audio host: effect chains, C++11
#include <dlfcn.h>
#include <algorithm>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>
class Effect { public: virtual ~Effect() = default; virtual void run(float *, int) = 0; };
struct DlCloser { void operator()(void *h) const noexcept { if (h) ::dlclose(h); } };
using Library = std::unique_ptr<void, DlCloser>;
class Chain {
public:
    void load(const std::string &path, const std::string &name)
    {
        Library lib(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL));
        if (!lib)
            throw std::runtime_error(::dlerror());
        using Make = Effect *(*)();
        auto make = reinterpret_cast<Make>(::dlsym(lib.get(), "make_effect"));
        if (make == nullptr)
            throw std::runtime_error("no make_effect in " + path);
        std::shared_ptr<Effect> fx(make());  //! none
        std::lock_guard<std::mutex> hold(mutex_);
        effects_[name] = fx;
        libs_[name] = std::move(lib);
    }
    void unload(const std::string &name)
    {
        std::lock_guard<std::mutex> hold(mutex_);
        effects_.erase(name);
        libs_.erase(name);  //! none
    }
    std::size_t count() const
    {
        std::lock_guard<std::mutex> hold(mutex_);
        return effects_.size();  //! none
    }
    void process(float *b, int n)
    {
        std::lock_guard<std::mutex> hold(mutex_);
        for (auto &e : effects_)
            e.second->run(b, n);
    }
private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Library> libs_;
    std::unordered_map<std::string, std::shared_ptr<Effect>> effects_;  //! none
};
