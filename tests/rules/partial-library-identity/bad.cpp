#include <map>
#include <string>

struct Library {
    Library(const std::string &name, int version);
};

static std::map<std::string, Library *> libraries; // every plugin, by name: dlopen is done later

Library *findOrCreate(const std::string &name, int version)
{
    auto found = libraries.find(name);  // bad
    if (found != libraries.end())
        return found->second;
    Library *made = new Library(name, version);
    libraries[name] = made;
    return made;
}

void *dlopen(const char *, int);
