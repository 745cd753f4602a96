// Names put together by the builders of C++, and folders below the one the program was started in.
#include <cstdio>
#include <dlfcn.h>
#include <format>
#include <iostream>
#include <sstream>
#include <string>
#include <unistd.h>

static std::string word()
{
    std::string read;
    std::cin >> read;
    return read;
}

void *formatted()
{
    return dlopen(std::format("/usr/lib/app/{}.so", word()).c_str(), RTLD_NOW); //! CWE-22
}

void *numbered(int number)
{
    return dlopen(std::format("/usr/lib/app/codec{}.so", number).c_str(), RTLD_NOW); //! none
}

void *streamed()
{
    std::ostringstream path;
    path << "/usr/lib/app/" << word() << ".so";
    return dlopen(path.str().c_str(), RTLD_NOW); //! CWE-22
}

void *streamed_number(unsigned version)
{
    std::ostringstream path;
    path << "/usr/lib/app/libcore.so." << version;
    return dlopen(path.str().c_str(), RTLD_NOW); //! none
}

void list()
{
    const std::string line = std::format("nm -D {}", word());
    if (FILE *out = popen(line.c_str(), "r")) //! CWE-78
        pclose(out);
}

void *below_here(unsigned number)
{
    char path[64];
    std::snprintf(path, sizeof path, "drivers/%u.so", number);
    return dlopen(path, RTLD_NOW); //! CWE-427
}

void *below_root(unsigned number)
{
    char path[64];
    std::snprintf(path, sizeof path, "/usr/lib/app/drivers/%u.so", number);
    return dlopen(path, RTLD_NOW); //! none
}
