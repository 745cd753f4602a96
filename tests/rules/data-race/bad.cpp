#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>

class Registry {
public:
    void *open(const std::string &name)
    {
        std::lock_guard<std::mutex> guard(mutex_);
        lastError_.clear();
        auto it = libraries_.find(name);
        if (it != libraries_.end())
            return it->second;
        void *h = dlopen(name.c_str(), RTLD_NOW);
        if (!h)
            lastError_ = dlerror();
        else
            libraries_[name] = h;
        return h;
    }
    std::string lastError() const { return lastError_; }  // bad
private:
    std::mutex mutex_;
    std::map<std::string, void *> libraries_;
    std::string lastError_;
};
