// What a library makes, and what a function of the program gives for a failure, may be null
#include <dlfcn.h>
#include <map>
#include <memory>
#include <string>

struct Effect { int magic; int inputs; };

class Rack {
public:
    Effect *find(const std::string &name) const
    {
        auto it = effects_.find(name);
        return it == effects_.end() ? nullptr : it->second;
    }
    int magic(const std::string &name) const
    {
        Effect *e = find(name);
        return e->magic; //! CWE-476
    }
    int inputs(const std::string &name) const
    {
        Effect *e = find(name);
        return e ? e->inputs : 0; //! none
    }
    bool add(const std::string &name, void *lib)
    {
        auto make = reinterpret_cast<Effect *(*)()>(dlsym(lib, "make"));
        if (!make)
            return false;
        Effect *e = make();
        if (e->magic != 7) //! CWE-476
            return false;
        effects_[name] = e;
        return true;
    }

private:
    std::map<std::string, Effect *> effects_;
};
