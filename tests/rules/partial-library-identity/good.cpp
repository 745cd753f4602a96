#include <map>
#include <string>

struct Library {
    Library(const std::string &name, int version);
};

static std::map<std::string, Library *> libraries; // every plugin, by name: dlopen is done later

static std::string key(const std::string &name, int version) { return name + "." + std::to_string(version); }

Library *findOrCreate(const std::string &name, int version)
{
    auto found = libraries.find(key(name, version));
    if (found != libraries.end())
        return found->second;
    Library *made = new Library(name, version);
    libraries[key(name, version)] = made;
    return made;
}

void *dlopen(const char *, int);
