#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <utility>

struct Close {
    void operator()(void *library) const { dlclose(library); }
};

using Library = std::unique_ptr<void, Close>;

// A holder that is returned is moved out, or made in the caller's place: its deleter does not run here.
std::unique_ptr<void, Close> open_backend()
{
    std::unique_ptr<void, Close> library(dlopen("/usr/lib/backend.so", RTLD_NOW | RTLD_LOCAL));
    if (!library)
        throw std::runtime_error(dlerror());
    return library; //! none
}

std::unique_ptr<void, decltype(&dlclose)> open_by_function()
{
    std::unique_ptr<void, decltype(&dlclose)> library(dlopen("/usr/lib/backend.so", RTLD_NOW), &dlclose);
    if (!library)
        throw std::runtime_error(dlerror());
    return std::move(library); //! none
}

int ask()
{
    const auto backend = open_backend();
    auto answer = reinterpret_cast<int (*)()>(dlsym(backend.get(), "answer"));
    if (!answer)
        throw std::runtime_error("no answer");
    return answer(); //! none
}

void *lost()
{
    std::unique_ptr<void, Close> library(dlopen("/usr/lib/backend.so", RTLD_NOW));
    if (!library)
        return nullptr;
    return library.get(); //! CWE-416/CWE-672
}
