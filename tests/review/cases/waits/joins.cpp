// A thread is waited for with the lock held that it takes, and with another one.
#include <dlfcn.h>
#include <mutex>
#include <thread>

class Feeder {
    std::mutex state_, life_;
    std::thread thread_;
    bool done_ = false;
    void *library_ = nullptr;

    void step()
    {
        std::lock_guard<std::mutex> hold(state_);
        if (library_)
            if (auto next = reinterpret_cast<void (*)()>(dlsym(library_, "next")))
                next();
    }

public:
    void start(const char *path)
    {
        std::lock_guard<std::mutex> hold(life_);
        library_ = dlopen(path, RTLD_NOW);
        thread_ = std::thread([this] {
            while (!done_)
                step();
        });
    }
    void stop_wrong()
    {
        std::unique_lock<std::mutex> hold(state_);
        done_ = true;
        thread_.join(); //! CWE-833
    }
    void stop_early()
    {
        std::unique_lock<std::mutex> hold(state_);
        done_ = true;
        hold.unlock();
        thread_.join(); //! none CWE-833
    }
    void stop_other()
    {
        std::lock_guard<std::mutex> hold(life_);
        thread_.join(); //! none CWE-833
    }
};
