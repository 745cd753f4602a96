// A name that has to be one of a list, and names that only seem to have to.
#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

static const std::set<std::string> offered = {"png", "jpeg"};
static const std::map<std::string, std::string> files = {{"png", "/usr/lib/view/png.so"}};
static const std::vector<std::string> listed = {"png", "jpeg"};

static std::string asked()
{
    std::string name;
    std::cin >> name;
    return name;
}

void *counted()
{
    const std::string name = asked();
    if (offered.count(name) == 0)
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! none
}

void *contained()
{
    const std::string name = asked();
    if (!offered.contains(name))
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! none
}

void *found()
{
    const std::string name = asked();
    if (offered.find(name) == offered.end())
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! none
}

void *sought()
{
    const std::string name = asked();
    if (std::find(listed.begin(), listed.end(), name) == listed.end())
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! none
}

void *looked_through()
{
    const std::string name = asked();
    if (std::none_of(listed.begin(), listed.end(), [&](const auto &one) { return one == name; }))
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! none
}

void *mapped()
{
    const auto place = files.find(asked());
    return place == files.end() ? nullptr : dlopen(place->second.c_str(), RTLD_NOW); //! none
}

void *in_folder(const std::filesystem::path &folder)
{
    std::string name;
    std::ifstream(folder / "view.ini") >> name;
    const auto root = std::filesystem::canonical(folder);
    const auto file = std::filesystem::canonical(root / name);
    if (file.parent_path() != root)
        return nullptr;
    return dlopen(file.c_str(), RTLD_NOW); //! none
}

void *refused_the_listed()
{
    const std::string name = asked();
    if (offered.count(name) != 0)
        return nullptr;
    return dlopen(("/usr/lib/view/" + name).c_str(), RTLD_NOW); //! CWE-22
}

void *begins_well()
{
    const std::string line = asked();
    if (line.compare(0, 5, "load:") != 0)
        return nullptr;
    return dlopen(line.substr(5).c_str(), RTLD_NOW); //! CWE-114
}

void *ends_well()
{
    const std::string name = asked();
    if (name.size() < 3 || name.compare(name.size() - 3, 3, ".so") != 0)
        return nullptr;
    return dlopen(name.c_str(), RTLD_NOW); //! CWE-114
}
