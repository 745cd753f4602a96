#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>

static std::recursive_mutex &gate(void)
{
    static std::recursive_mutex mutex;
    return mutex;
}
static std::mutex &narrow(void)
{
    static std::mutex mutex;
    return mutex;
}
using Reentrant = std::recursive_mutex;
static Reentrant third;
static std::map<std::string, void *> loaded;

void load_one(const std::string &path)
{
    std::lock_guard<std::recursive_mutex> lock(gate()); //! none CWE-764
    loaded[path] = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}
void load_all()
{
    std::lock_guard<std::recursive_mutex> lock(gate());
    load_one("/usr/lib/one.so"); //! none CWE-764
    load_one("/usr/lib/two.so");
}
void drop_one(const std::string &path)
{
    std::lock_guard<std::mutex> lock(narrow());
    loaded.erase(path);
}
void drop_all()
{
    std::lock_guard<std::mutex> lock(narrow());
    drop_one("/usr/lib/one.so"); //! CWE-764
}
void count_one()
{
    std::lock_guard<Reentrant> lock(third);
    loaded.size();
}
void count_all()
{
    std::lock_guard<Reentrant> lock(third);
    count_one(); //! none CWE-764
}
