// busplug: message bus whose handlers come from shared objects.
#include <dlfcn.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace busplug {

class Handler {
public:
    virtual ~Handler() {}
    virtual void onMessage(const std::string& text) = 0;
    virtual void pump(std::atomic<bool>& stop) = 0;
};

class Bus {
public:
    ~Bus();
    void attach(const std::string& name);
    void send(const std::string& name, const std::string& text);
    std::size_t count() const;

private:
    struct Entry {
        void* lib = nullptr;
        std::unique_ptr<Handler> handler;
        std::thread thread;
    };
    mutable std::mutex m_;
    std::unordered_map<std::string, Entry> entries_;
    std::atomic<bool> stop_{false};
};

void Bus::attach(const std::string& name)
{
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos)
        throw std::invalid_argument(name);
    const std::string file = "/opt/bus/handlers/" + name + ".so";
    void* lib = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); //! none
    if (!lib) {
        const char* e = dlerror(); //! none
        throw std::runtime_error(e ? e : file);
    }
    auto make = reinterpret_cast<Handler* (*)()>(dlsym(lib, "make_handler")); //! none
    if (!make) {
        dlclose(lib); //! none
        throw std::runtime_error(file + ": no factory");
    }
    std::unique_ptr<Handler> h(make());
    if (!h) {
        dlclose(lib); //! none
        throw std::runtime_error(file + ": factory failed");
    }
    std::lock_guard<std::mutex> g(m_);
    Entry& e = entries_[name];
    e.lib = lib;
    e.handler = std::move(h);
    e.thread = std::thread([this, p = e.handler.get()] { p->pump(stop_); });
}

void Bus::send(const std::string& name, const std::string& text)
{
    std::lock_guard<std::mutex> g(m_);
    auto it = entries_.find(name); //! none
    if (it != entries_.end())
        it->second.handler->onMessage(text);
}

std::size_t Bus::count() const
{
    std::lock_guard<std::mutex> g(m_);
    return entries_.size();
}

Bus::~Bus()
{
    stop_ = true;
    for (auto& kv : entries_) {
        Entry& e = kv.second;
        if (e.thread.joinable())
            e.thread.join();
        e.handler.reset();
        dlclose(e.lib); //! none
    }
}

}  // namespace busplug
