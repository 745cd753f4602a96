// Guards of C++ that keep a name in its folder, and some that do not.
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <iostream>
#include <string>

namespace fs = std::filesystem;

static std::string asked()
{
    std::string name;
    std::cin >> name;
    return name;
}

void *canonical_below()
{
    const std::string file = fs::canonical(asked()).string();
    if (file.rfind("/usr/lib/view/", 0) != 0)
        return nullptr;
    return dlopen(file.c_str(), RTLD_NOW); //! none CWE-114/CWE-22
}

void *only_begins()
{
    const std::string file = asked();
    if (!file.starts_with("/usr/lib/view/"))
        return nullptr;
    return dlopen(file.c_str(), RTLD_NOW); //! CWE-114
}

void *no_end_of_folder()
{
    const std::string file = fs::canonical(asked()).string();
    if (file.rfind("/usr/lib/view", 0) != 0)
        return nullptr;
    return dlopen(file.c_str(), RTLD_NOW); //! CWE-114
}

void *own_name()
{
    const fs::path name = asked();
    return dlopen((fs::path("/usr/lib/view") / name.filename()).c_str(), RTLD_NOW); //! none
}

void *a_name()
{
    const fs::path name = asked();
    if (name.filename() != name)
        return nullptr;
    return dlopen((fs::path("/usr/lib/view") / name).c_str(), RTLD_NOW); //! none
}

void *no_folder()
{
    const fs::path name = asked();
    if (name.has_parent_path())
        return nullptr;
    return dlopen((fs::path("/usr/lib/view") / name).c_str(), RTLD_NOW); //! none
}

void *a_number()
{
    int number = 0;
    std::cin >> number;
    return dlopen(("/usr/lib/view/part" + std::to_string(number) + ".so").c_str(), RTLD_NOW); //! none
}

void *wide(const std::wstring &name)
{
    if (name.find_first_of(L"\\/:") != std::wstring::npos)
        return nullptr;
    const std::string narrow(name.begin(), name.end());
    return dlopen(("/usr/lib/view/" + narrow).c_str(), RTLD_NOW); //! none
}
