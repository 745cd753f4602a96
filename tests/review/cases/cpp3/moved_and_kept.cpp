// The move takes the handle and leaves it where it was; the other class gives it up.
#include <windows.h>
#include <utility>

class Engine {
public:
    explicit Engine(const wchar_t *path) : module_(LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Engine()
    {
        if (module_)
            FreeLibrary(module_);
    }
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;
    Engine(Engine &&other) noexcept
        : module_(other.module_) //! CWE-415
    {
    }

private:
    HMODULE module_;
};

class Codec {
public:
    explicit Codec(const wchar_t *path) : module_(LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Codec()
    {
        if (module_)
            FreeLibrary(module_);
    }
    Codec(const Codec &) = delete;
    Codec(Codec &&other) noexcept : module_(other.module_) //! none
    {
        other.module_ = nullptr;
    }

private:
    HMODULE module_;
};
