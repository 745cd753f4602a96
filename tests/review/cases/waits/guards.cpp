// Guards that keep nobody out, beside their twins.
#include <condition_variable>
#include <dlfcn.h>
#include <mutex>
#include <thread>
#include <vector>

class Base {
protected:
    std::mutex mutex_;
    void *library_ = nullptr;
    void note() { std::lock_guard<std::mutex> hold(mutex_); ++notes_; }
    void forget() { if (library_) dlclose(library_); library_ = nullptr; }

private:
    int notes_ = 0;
};

class Engine : public Base {
    std::condition_variable ready_;

public:
    void replace(const char *path)
    {
        std::unique_lock<std::mutex>(mutex_); //! CWE-662
        forget();
        library_ = dlopen(path, RTLD_NOW);
    }
    void put_off(const char *path)
    {
        std::unique_lock<std::mutex> hold(mutex_, std::defer_lock); //! CWE-662
        forget();
        library_ = dlopen(path, RTLD_NOW);
    }
    void put_off_and_done(const char *path)
    {
        std::unique_lock<std::mutex> hold(mutex_, std::defer_lock); //! none CWE-662
        hold.lock();
        forget();
        library_ = dlopen(path, RTLD_NOW);
    }
    void both(Engine &other)
    {
        std::unique_lock<std::mutex> mine(mutex_, std::defer_lock); //! none CWE-662
        std::unique_lock<std::mutex> theirs(other.mutex_, std::defer_lock);
        std::lock(mine, theirs);
        std::swap(library_, other.library_);
    }
    void named(const char *path)
    {
        std::lock_guard<std::mutex> hold{mutex_}; //! none CWE-662
        forget();
        library_ = dlopen(path, RTLD_NOW);
    }
    bool noted()
    {
        std::lock_guard<std::mutex> hold(mutex_);
        note(); //! CWE-764
        return library_ != nullptr;
    }
    void noted_after()
    {
        {
            std::lock_guard<std::mutex> hold(mutex_);
            forget();
        }
        note(); //! none CWE-764
    }
    void *wait_once()
    {
        std::unique_lock<std::mutex> hold(mutex_);
        ready_.wait(hold); //! CWE-662
        return library_;
    }
    void *wait_for()
    {
        std::unique_lock<std::mutex> hold(mutex_);
        ready_.wait(hold, [this] { return library_ != nullptr; }); //! none CWE-662
        while (!library_)
            ready_.wait(hold); //! none CWE-662
        return library_;
    }
    void *of_one_call(const char *path)
    {
        std::mutex own;
        std::lock_guard<std::mutex> hold(own); //! CWE-662
        if (!library_)
            library_ = dlopen(path, RTLD_NOW);
        return library_;
    }
};

void each(const char *const *paths, int count, void **out)
{
    std::mutex guard; // shared by the tasks that are made here
    auto one = [&](int i) {
        std::lock_guard<std::mutex> hold(guard); //! none CWE-662
        out[i] = dlopen(paths[i], RTLD_NOW);
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back(one, i);
    for (auto &thread : threads)
        thread.join();
}
