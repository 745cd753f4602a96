// A thread that is let go of in the destructor runs on while the members end, the library among them.
#include <dlfcn.h>

#include <memory>
#include <thread>

struct Close {
    void operator()(void *handle) const noexcept { dlclose(handle); }
};

class Pump {
public:
    explicit Pump(void *handle) : library_(handle), step_(reinterpret_cast<void (*)()>(dlsym(handle, "step"))) {}
    void start()
    {
        worker_ = std::thread([this] {
            if (step_)
                step_();
        });
    }
    ~Pump()
    {
        worker_.detach();
    } //! CWE-672

private:
    std::unique_ptr<void, Close> library_;
    void (*step_)() = nullptr;
    std::thread worker_;
};
