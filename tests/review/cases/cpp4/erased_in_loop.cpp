// A table of plug-ins loses entries in the loop that goes through it.
#include <dlfcn.h>
#include <vector>
#include <map>
#include <string>
struct Plugin { void *handle; void (*notify)(void *); };
class Host {
public:
    void remove(const std::string &name)
    {
        auto it = plugins_.find(name);
        if (it == plugins_.end())
            return;
        dlclose(it->second.handle);
        plugins_.erase(it);
    }
    void sweep()
    {
        for (auto &entry : plugins_) {
            if (entry.second.notify == nullptr) {
                dlclose(entry.second.handle);
                plugins_.erase(entry.first); //! CWE-416/672
            }
        }
    }
    void sweepIt()
    {
        for (auto it = plugins_.begin(); it != plugins_.end();) {
            if (!it->second.notify) {
                dlclose(it->second.handle);
                it = plugins_.erase(it); //! none
            } else {
                ++it;
            }
        }
    }
    void notifyAll()
    {
        for (auto &entry : plugins_) {
            if (!check(entry.second))
                remove(entry.first); //! CWE-416/672
        }
    }
    void first(const std::string &n)
    {
        for (auto &entry : plugins_) {
            if (entry.first == n) {
                plugins_.erase(entry.first); //! none
                break;
            }
        }
    }
private:
    static bool check(const Plugin &p);
    std::map<std::string, Plugin> plugins_;
};
