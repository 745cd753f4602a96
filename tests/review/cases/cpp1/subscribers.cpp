// A library registers its functions with the host; whoever closes it takes them out first
#include <dlfcn.h>
#include <map>
#include <string>

struct host_api {
    void (*subscribe)(void *self, const char *topic, void (*fn)(const char *));
    void *self;
};

class Host {
public:
    Host() : api_{&Host::onSubscribe, this} {}
    bool start(const std::string &name);
    void stop(const std::string &name);
    void stopWhole(const std::string &name);
    void publish(const std::string &topic);

private:
    static void onSubscribe(void *self, const char *topic, void (*fn)(const char *))
    {
        static_cast<Host *>(self)->listeners_.emplace(topic, fn);
    }
    std::map<std::string, void *> engines_;
    std::multimap<std::string, void (*)(const char *)> listeners_;
    host_api api_;
};

bool Host::start(const std::string &name)
{
    void *lib = dlopen(("/usr/lib/bench/" + name).c_str(), RTLD_NOW);
    if (!lib)
        return false;
    auto begin = (int (*)(host_api *))dlsym(lib, "engine_start");
    if (!begin) {
        dlclose(lib); //! none
        return false;
    }
    begin(&api_); //! CWE-252
    engines_[name] = lib;
    return true;
}

void Host::stop(const std::string &name)
{
    dlclose(engines_[name]); //! CWE-672
    engines_.erase(name);
}

void Host::stopWhole(const std::string &name)
{
    listeners_.clear();
    dlclose(engines_[name]); //! none
    engines_.erase(name);
}

void Host::publish(const std::string &topic)
{
    auto range = listeners_.equal_range(topic);
    for (auto it = range.first; it != range.second; ++it)
        it->second(topic.c_str());
}
