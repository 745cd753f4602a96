#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <string>

using Module = std::shared_ptr<void>;

Module openModule(const std::string& file) {
    void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        throw std::runtime_error(file);
    return Module(handle, [](void* one) { ::dlclose(one); });
}

int run() {
    Module module = openModule("libhub.so.1");
    auto list = reinterpret_cast<int (*)(int)>(::dlsym(module.get(), "hub_handlers"));
    if (!list)
        throw std::runtime_error("no handlers"); //! none
    return list(1); //! none
}

int runRaw() {
    void* handle = ::dlopen("libhub.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return -1;
    auto list = reinterpret_cast<int (*)(int)>(::dlsym(handle, "hub_handlers"));
    if (!list)
        return -1; //! CWE-772/401/404/775
    int made = list(1);
    ::dlclose(handle);
    return made;
}
