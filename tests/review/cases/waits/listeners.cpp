// Listeners of a plug-in host: called in turn with and without the lock, taken out of the table in the loop.
#include <atomic>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

class Host {
    std::mutex mutex_;
    std::vector<std::function<void(int)>> listeners_;
    std::map<std::string, void *> libraries_;
    std::vector<void *> handles_;

public:
    void listen(std::function<void(int)> one)
    {
        std::lock_guard<std::mutex> hold(mutex_);
        listeners_.push_back(one);
    }
    void announce_held(int event)
    {
        std::lock_guard<std::mutex> hold(mutex_);
        for (auto &one : listeners_)
            one(event); //! CWE-833
    }
    void announce(int event)
    {
        std::unique_lock<std::mutex> hold(mutex_);
        auto copy = listeners_;
        hold.unlock();
        for (auto &one : copy)
            one(event); //! none CWE-833
    }
    void open(const std::string &path)
    {
        void *h = dlopen(path.c_str(), RTLD_NOW);
        if (h)
            libraries_[path] = h;
    }
    void close_idle_wrong()
    {
        for (auto it = libraries_.begin(); it != libraries_.end(); ++it)
            if (!dlsym(it->second, "busy")) {
                dlclose(it->second);
                libraries_.erase(it); //! CWE-416
            }
    }
    void close_idle()
    {
        for (auto it = libraries_.begin(); it != libraries_.end();)
            if (!dlsym(it->second, "busy")) {
                dlclose(it->second);
                it = libraries_.erase(it); //! none CWE-416
            } else {
                ++it;
            }
    }
    void close_first()
    {
        for (auto it = libraries_.begin(); it != libraries_.end(); ++it)
            if (!dlsym(it->second, "busy")) {
                dlclose(it->second);
                libraries_.erase(it); //! none CWE-416
                break;
            }
    }
};

using entry_fn = int (*)();
static entry_fn entry;
static bool stop_plain;
static std::atomic<bool> stop_atomic{false};

static entry_fn find_entry()
{
    if (!entry) {
        void *h = dlopen("/usr/lib/libentry.so", RTLD_NOW);
        if (h)
            entry = reinterpret_cast<entry_fn>(dlsym(h, "entry")); //! CWE-362
    }
    return entry;
}

static void tick()
{
    while (!stop_plain) //! CWE-362
        std::this_thread::yield();
    while (!stop_atomic) //! none CWE-362
        std::this_thread::yield();
}

void run_all()
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            if (auto f = find_entry())
                f();
        });
    std::thread ticker(tick);
    stop_plain = true;
    stop_atomic = true;
    ticker.join();
    for (auto &t : threads)
        t.join();
}
