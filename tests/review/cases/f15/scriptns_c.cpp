// scriptns: native modules of a script engine; a module lives as long as any function of it.
#include <dlfcn.h>

#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace scriptns {

class Native {
public:
    static std::shared_ptr<Native> load(const std::string& file)
    {
        void* h = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); //! none
        if (h == nullptr)
            return nullptr;
        return std::shared_ptr<Native>(new Native(h));
    }
    Native(const Native&) = delete;
    Native& operator=(const Native&) = delete;
    ~Native() { ::dlclose(h_); } //! none

    template <class F>
    F* find(const char* name) const
    {
        return reinterpret_cast<F*>(::dlsym(h_, name)); //! none
    }

private:
    explicit Native(void* h) : h_(h) {}
    void* h_;
};

class Function {
public:
    Function() = default;
    Function(std::shared_ptr<Native> owner, int (*fn)(int)) : owner_(std::move(owner)), fn_(fn) {}
    explicit operator bool() const { return fn_ != nullptr; }
    int operator()(int x) const { return fn_(x); }

private:
    std::shared_ptr<Native> owner_;
    int (*fn_)(int) = nullptr;
};

class Space {
public:
    void add(const std::string& name, std::shared_ptr<Native> n)
    {
        std::unique_lock<std::shared_mutex> w(mx_);
        all_[name] = std::move(n);
    }
    Function get(const std::string& name, const char* fn) const
    {
        std::shared_lock<std::shared_mutex> r(mx_);
        auto it = all_.find(name); //! none
        if (it == all_.end())
            return {};
        auto* f = it->second->find<int(int)>(fn);
        return f ? Function(it->second, f) : Function();
    }
    void remove(const std::string& name)
    {
        std::unique_lock<std::shared_mutex> w(mx_);
        all_.erase(name);
    }

private:
    mutable std::shared_mutex mx_;
    std::unordered_map<std::string, std::shared_ptr<Native>> all_;
};

}  // namespace scriptns
