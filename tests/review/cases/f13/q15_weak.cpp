// worker joins, RAII order, std::thread
#include <dlfcn.h>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
class Sampler {
public:
    explicit Sampler(const std::string &so) : lib_(dlopen(so.c_str(), RTLD_NOW))
    {
        if (lib_)
            poll_ = reinterpret_cast<int (*)()>(dlsym(lib_, "poll_once"));
        if (poll_)
            worker_ = std::thread([this] { while (!stop_) poll_(); });
    }
    ~Sampler()
    {
        stop_ = true;
        if (lib_)
            dlclose(lib_);  //! CWE-672
        if (worker_.joinable())
            worker_.join();
    }
    Sampler(const Sampler &) = delete;
    Sampler &operator=(const Sampler &) = delete;
private:
    void *lib_ = nullptr;
    int (*poll_)() = nullptr;
    std::atomic<bool> stop_{false};
    std::thread worker_;
};
std::function<int(int)> bind_scale(const char *so)
{
    void *h = dlopen(so, RTLD_NOW);
    if (!h)
        return {};
    auto f = reinterpret_cast<int (*)(int)>(dlsym(h, "scale"));
    dlclose(h);
    return f;  //! CWE-416
}
