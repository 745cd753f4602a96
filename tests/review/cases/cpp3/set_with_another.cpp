// watch_ is set only where unwatch_ had been found: who asks for the one may call the other.
#include <windows.h>

class Watcher {
public:
    bool open();
    void close();

private:
    HMODULE module_ = nullptr;
    HANDLE watch_ = nullptr;
    void(WINAPI *unwatch_)(HANDLE) = nullptr;
};

bool Watcher::open()
{
    module_ = LoadLibraryExW(L"C:\\Deck\\watch.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (module_ == nullptr)
        return false;
    auto watch = reinterpret_cast<HANDLE(WINAPI *)(void)>(GetProcAddress(module_, "Watch"));
    unwatch_ = reinterpret_cast<void(WINAPI *)(HANDLE)>(GetProcAddress(module_, "Unwatch"));
    if (watch == nullptr || unwatch_ == nullptr) {
        close();
        return false;
    }
    watch_ = watch();
    return watch_ != nullptr;
}

void Watcher::close()
{
    if (watch_ != nullptr) {
        unwatch_(watch_); //! none
        watch_ = nullptr;
    }
    unwatch_ = nullptr;
    if (module_ != nullptr)
        FreeLibrary(module_);
    module_ = nullptr;
}
