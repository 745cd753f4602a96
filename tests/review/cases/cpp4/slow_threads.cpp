// A thread that may not have ended when the destructor unloads its library.
#include <Poco/SharedLibrary.h>
#include <Poco/Thread.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>

class Probe : public Poco::Runnable {
public:
    explicit Probe(const std::string &path) : library_(path) {}
    ~Probe() { library_.unload(); }
    void run() override
    {
        while (!stop_)
            sample_();
    }
    void stop()
    {
        stop_ = true;
        if (!thread_.tryJoin(2000)) //! CWE-672
            slow_ = true;
    }

private:
    Poco::SharedLibrary library_;
    Poco::Thread thread_;
    void (*sample_)() = nullptr;
    std::atomic<bool> stop_{false};
    bool slow_ = false;
};

class Meter : public Poco::Runnable {
public:
    explicit Meter(const std::string &path) : library_(path) {}
    ~Meter() { library_.unload(); }
    void run() override
    {
        while (!stop_)
            sample_();
    }
    void stop_all()
    {
        stop_ = true;
        if (!thread_.tryJoin(2000)) { //! none
            slow_ = true;
            thread_.join();
        }
    }

private:
    Poco::SharedLibrary library_;
    Poco::Thread thread_;
    void (*sample_)() = nullptr;
    std::atomic<bool> stop_{false};
    bool slow_ = false;
};

class Board {
public:
    void drop(const std::string &name)
    {
        auto it = probes_.find(name);
        if (it == probes_.end())
            return;
        it->second->stop();
        probes_.erase(it);
    }
    void drop_meter(const std::string &name)
    {
        auto it = meters_.find(name);
        if (it == meters_.end())
            return;
        it->second->stop_all();
        meters_.erase(it);
    }

private:
    std::map<std::string, std::unique_ptr<Probe>> probes_;
    std::map<std::string, std::unique_ptr<Meter>> meters_;
};
