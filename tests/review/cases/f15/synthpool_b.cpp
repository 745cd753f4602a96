// synthpool: hands out synthesiser voices that live in shared objects.
#include <dlfcn.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace synthpool {

struct Voice;
using MakeFn = Voice* (*)(double rate);
using KillFn = void (*)(Voice*);

struct SoDeleter {
    void operator()(void* h) const noexcept
    {
        if (h)
            ::dlclose(h); //! none
    }
};
using So = std::unique_ptr<void, SoDeleter>;

class Pool {
public:
    std::shared_ptr<Voice> voice(const std::string& id, double rate);
    std::function<void()> exporter(const std::string& id);
    void drop(const std::string& id);

private:
    std::shared_ptr<void> open(const std::string& id);
    std::mutex mx_;
    std::map<std::string, std::shared_ptr<void>> libs_;
};

std::shared_ptr<void> Pool::open(const std::string& id)
{
    std::lock_guard<std::mutex> lk(mx_);
    auto it = libs_.find(id); //! none
    if (it != libs_.end())
        return it->second;
    const std::string file = "/usr/lib/synthpool/" + std::to_string(std::hash<std::string>{}(id)) + ".so";
    So so(::dlopen(file.c_str(), RTLD_NOW)); //! none
    if (!so)
        return nullptr;
    std::shared_ptr<void> sp(std::move(so));
    libs_.emplace(id, sp);
    return sp;
}

std::shared_ptr<Voice> Pool::voice(const std::string& id, double rate)
{
    auto so = open(id);
    if (!so)
        return nullptr;
    auto make = reinterpret_cast<MakeFn>(::dlsym(so.get(), "voice_make")); //! none
    auto kill = reinterpret_cast<KillFn>(::dlsym(so.get(), "voice_kill")); //! none
    if (!make || !kill)
        return nullptr;
    return std::shared_ptr<Voice>(make(rate), [so, kill](Voice* v) { kill(v); });
}

std::function<void()> Pool::exporter(const std::string& id)
{
    std::shared_ptr<void> so(::dlopen(("/usr/lib/synthpool/export-" + id + ".so").c_str(), RTLD_NOW), SoDeleter{});
    if (!so)
        return {};
    auto run = reinterpret_cast<void (*)()>(::dlsym(so.get(), "export_run")); //! none
    if (!run)
        return {};
    return [so, run] { run(); };
}

void Pool::drop(const std::string& id)
{
    std::lock_guard<std::mutex> lk(mx_);
    libs_.erase(id);
}

}  // namespace synthpool
