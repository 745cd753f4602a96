// The error code of a path is not read, and then the path is loaded: an empty one opens the program itself.
#include <dlfcn.h>
#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

void *open_plugin(const fs::path &given)
{
    std::error_code ec;
    const fs::path real = fs::canonical(given, ec);
    return dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL); //! CWE-252/391/754
}

void *open_asked(const fs::path &given)
{
    std::error_code ec;
    const fs::path real = fs::canonical(given, ec);
    if (ec)
        return nullptr;
    return dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL); //! none CWE-252/391/754
}

void *open_tested(const fs::path &given)
{
    std::error_code ec;
    const fs::path real = fs::weakly_canonical(given, ec);
    if (real.empty())
        return nullptr;
    return dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL); //! none CWE-252/391/754
}
