// Objects that outlive their libraries: by the order of members, of assignments, and in a table
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "irule.h"

struct Closer {
    void operator()(void *h) const { dlclose(h); }
};
using Handle = std::unique_ptr<void, Closer>;
using Make = IRule *(*)(int);

class Pack {
public:
    Pack(Handle h, std::unique_ptr<IRule> r) : rule_(std::move(r)), handle_(std::move(h)) {}

private:
    std::unique_ptr<IRule> rule_;
    Handle handle_; // expect: CWE-416
};

class Engine {
public:
    void refresh(std::vector<Handle> packs, std::vector<std::unique_ptr<IRule>> rules)
    {
        std::lock_guard<std::mutex> g(lock_);
        packs_ = std::move(packs); // expect: CWE-416
        rules_ = std::move(rules);
    }
    void refreshWell(std::vector<Handle> packs, std::vector<std::unique_ptr<IRule>> rules)
    {
        std::lock_guard<std::mutex> g(lock_);
        rules_ = std::move(rules);
        packs_ = std::move(packs);
    }
    void stop()
    {
        worker_.detach();
        rules_.clear();
        packs_.clear(); // expect: CWE-672
    }

private:
    std::mutex lock_;
    std::vector<Handle> packs_;
    std::vector<std::unique_ptr<IRule>> rules_;
    std::thread worker_;
};
