#include <dlfcn.h>
#include <filesystem>
#include <string>

void *load(const std::string &path)
{
    if (!std::filesystem::exists(path))
        return nullptr;
    return dlopen(path.c_str(), RTLD_NOW); // expect: CWE-367
}
