#include <dlfcn.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using Title = const char *(*)();


// A string that is made from a text of the library is a copy of it.

void declared()
{
    void *handle = dlopen("libtitle.so.1", RTLD_NOW);
    if (!handle)
        return;
    auto title = reinterpret_cast<Title>(dlsym(handle, "title"));
    std::string copy = title ? title() : "";
    dlclose(handle);
    puts(copy.c_str()); //! none
}

void constructed()
{
    void *handle = dlopen("libtitle.so.1", RTLD_NOW);
    if (!handle)
        return;
    auto title = reinterpret_cast<Title>(dlsym(handle, "title"));
    if (!title) {
        dlclose(handle);
        return;
    }
    auto copy = std::string(title());
    dlclose(handle);
    puts(copy.c_str()); //! none
}

void collected(std::vector<std::string> &titles)
{
    void *handle = dlopen("libtitle.so.1", RTLD_NOW);
    if (!handle)
        return;
    auto title = reinterpret_cast<Title>(dlsym(handle, "title"));
    if (title)
        titles.push_back(title());
    dlclose(handle);
    if (!titles.empty())
        puts(titles.back().c_str()); //! none
}

void copied_late()
{
    void *handle = dlopen("libtitle.so.1", RTLD_NOW);
    if (!handle)
        return;
    auto title = reinterpret_cast<Title>(dlsym(handle, "title"));
    if (!title) {
        dlclose(handle);
        return;
    }
    const char *text = title();
    dlclose(handle);
    std::string copy(text); //! CWE-416
    puts(copy.c_str());
}

// A view is no copy.

std::string_view viewed()
{
    void *handle = dlopen("libtitle.so.1", RTLD_NOW);
    if (!handle)
        return {};
    auto title = reinterpret_cast<Title>(dlsym(handle, "title"));
    std::string_view text = title ? title() : "";
    dlclose(handle);
    return text; //! CWE-416
}
