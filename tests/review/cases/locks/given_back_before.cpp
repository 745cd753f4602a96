#include <dlfcn.h>
#include <mutex>
#include <vector>
class Host;
class Plugin {
public:
    explicit Plugin(Host *host) : host_(host) {}
    bool open(const char *);
    void close();
    void count() { std::lock_guard<std::mutex> g(mutex_); ++uses_; }
private:
    Host *host_;
    std::mutex mutex_;
    void *handle_ = nullptr;
    int uses_ = 0;
};
class Host {
public:
    void tick() {
        std::lock_guard<std::mutex> g(mutex_);
        for (Plugin *p : plugins_)
            p->count();
    }
    void remove(Plugin *p) {
        std::lock_guard<std::mutex> g(mutex_); //! none CWE-833
        std::erase(plugins_, p);
    }
private:
    std::mutex mutex_;
    std::vector<Plugin *> plugins_;
};
void Plugin::close() {
    host_->remove(this);
    std::lock_guard<std::mutex> g(mutex_);
    if (handle_) dlclose(handle_);
    handle_ = nullptr;

}
