// The elements of a container of paths are not joined to one another, and the user's own folder is no attack
#include <dlfcn.h>
#include <stdlib.h>
#include <filesystem>
#include <list>
#include <string>
#include <vector>
namespace fs = std::filesystem;

static std::vector<fs::path> folders()
{
    std::vector<fs::path> all{"/usr/lib/looms", "/usr/local/lib/looms"};
    if (const char *home = std::getenv("HOME"))
        all.emplace_back(fs::path(home) / ".looms");
    return all;
}

int loadAll()
{
    int n = 0;
    for (const auto &dir : folders()) {
        std::error_code ec;
        for (const auto &item : fs::directory_iterator(dir, ec)) {
            void *h = dlopen(item.path().c_str(), RTLD_NOW); //! none CWE-22 CWE-73 CWE-114
            n += h != nullptr;
        }
    }
    return n;
}

void *fromVariable()
{
    std::list<std::string> all;
    all.push_back("/usr/lib/looms");
    const char *more = getenv("LOOM_PATH");
    if (more)
        all.push_back(more);
    for (const std::string &dir : all)
        if (void *h = dlopen((dir + "/weave.so").c_str(), RTLD_NOW)) //! CWE-73
            return h;
    return nullptr;
}

void *fromDataHome()
{
    const char *base = getenv("XDG_DATA_HOME");
    if (!base)
        return nullptr;
    std::string file(base);
    file += "/looms/weave.so";
    return dlopen(file.c_str(), RTLD_NOW); //! none CWE-22 CWE-73 CWE-114
}
