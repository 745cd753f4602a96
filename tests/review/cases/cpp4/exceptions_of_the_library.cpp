// What a library's code throws is of a type of the library: it is used after the close, or not.
#include <dlfcn.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

using Step = int (*)();

int kept(void *handle)
{
    auto step = reinterpret_cast<Step>(dlsym(handle, "step"));
    std::exception_ptr failed;
    int result = 0;
    try {
        result = step ? step() : -1;
    } catch (...) {
        failed = std::current_exception();
    }
    dlclose(handle); //! CWE-416
    if (failed)
        std::rethrow_exception(failed);
    return result;
}

int thrown_on(void *handle)
{
    auto step = reinterpret_cast<Step>(dlsym(handle, "step"));
    if (!step)
        return -1;
    try {
        return step();
    } catch (...) {
        dlclose(handle); //! CWE-416
        throw;
    }
}

int told_late(void *handle)
{
    auto step = reinterpret_cast<Step>(dlsym(handle, "step"));
    if (!step)
        return -1;
    try {
        return step();
    } catch (const std::exception &error) {
        dlclose(handle); //! CWE-416
        std::fprintf(stderr, "%s\n", error.what());
        return -1;
    }
}

int told_early(void *handle)
{
    auto step = reinterpret_cast<Step>(dlsym(handle, "step"));
    if (!step)
        return -1;
    std::string text;
    try {
        return step();
    } catch (const std::exception &error) {
        text = error.what();
    }
    dlclose(handle); //! none CWE-416
    throw std::runtime_error(text);
}

void *own_exception(const char *path, bool wanted)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        throw std::runtime_error("not opened");
    try {
        if (!dlsym(handle, "step") && wanted)
            throw std::runtime_error("no step");
    } catch (...) {
        dlclose(handle); //! none CWE-416
        throw;
    }
    return handle;
}
