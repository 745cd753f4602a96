// A reader's lock lets other readers in: what changes under it changes while they look.
#include <dlfcn.h>

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>

class Rack {
public:
    void *find(const std::string &name) const
    {
        std::shared_lock hold(mutex_);
        const auto it = open_.find(name);
        return it == open_.end() ? nullptr : it->second;
    }
    void open(const std::string &name)
    {
        void *handle = dlopen(("/usr/lib/rack/" + name + ".so").c_str(), RTLD_NOW);
        if (handle == nullptr)
            return;
        std::shared_lock hold(mutex_);
        open_[name] = handle; //! CWE-362
    }
    void forget()
    {
        std::unique_lock hold(mutex_);
        open_.clear(); //! none
    }

private:
    mutable std::shared_mutex mutex_;
    std::map<std::string, void *> open_;
};

class Bare {
public:
    bool has(const std::string &name) const
    {
        std::shared_lock hold(mutex_);
        return open_.count(name) != 0;
    }
    void put(const std::string &name, std::unique_ptr<int> value)
    {
        open_.insert_or_assign(name, std::move(value)); //! CWE-362
    }
    void forget()
    {
        std::unique_lock hold(mutex_);
        open_.clear();
    }

private:
    mutable std::shared_mutex mutex_;
    std::map<std::string, std::unique_ptr<int>> open_;
};
