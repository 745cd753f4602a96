// A pointer into a text that ends before the pointer is used.
#include <dlfcn.h>
#include <string>

std::string plugin_dir();

void *open_in(bool wide)
{
    const char *path = (plugin_dir() + std::string("/") + (wide ? "wide.so" : "narrow.so")).c_str(); //! CWE-416/562/825
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
void *open_of()
{
    const char *path = plugin_dir().c_str(); //! CWE-416/562/825
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
void *open_kept(bool wide)
{
    const std::string path = plugin_dir() + std::string("/") + (wide ? "wide.so" : "narrow.so");
    const char *text = path.c_str(); //! none
    return dlopen(text, RTLD_NOW | RTLD_LOCAL);
}
const char *local_path(bool wide)
{
    std::string path = plugin_dir() + std::string("/") + (wide ? "wide.so" : "narrow.so");
    return path.c_str(); //! CWE-416/562/825
}
void *open_direct(bool wide)
{
    return dlopen((plugin_dir() + std::string("/") + (wide ? "wide.so" : "narrow.so")).c_str(), RTLD_NOW | RTLD_LOCAL); //! none
}
struct Names {
    const std::string &first() const { return first_; }
    std::string first_;
};
void *open_first(const Names &names)
{
    const char *path = names.first().c_str(); //! none
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}
struct Request { const char *path; int flags; };
void *open_request(bool wide)
{
    Request request{};
    request.path = (plugin_dir() + std::string("/") + (wide ? "wide.so" : "narrow.so")).c_str(); //! CWE-416/562/825
    request.flags = RTLD_NOW;
    return dlopen(request.path, request.flags);
}
