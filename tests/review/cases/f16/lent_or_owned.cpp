// A module that was there already is borrowed, else it is loaded; a flag says which.
#include <windows.h>

class Module {
public:
    explicit Module(const wchar_t *name) noexcept : handle(GetModuleHandleW(name)), lent(handle != nullptr)
    {
        if (!lent)
            handle = LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    }
    Module(const Module &) = delete;
    Module &operator=(const Module &) = delete;
    ~Module()
    {
        if (handle != nullptr && !lent)
            FreeLibrary(handle); //! none
    }

private:
    HMODULE handle;
    bool lent;
};

class Borrower {
public:
    explicit Borrower(const wchar_t *name) noexcept : handle(GetModuleHandleW(name)) {}
    Borrower(const Borrower &) = delete;
    Borrower &operator=(const Borrower &) = delete;
    ~Borrower()
    {
        if (handle != nullptr)
            FreeLibrary(handle); //! CWE-763
    }

private:
    HMODULE handle;
};
