// A struct without a destructor ends its members: what the holder has is closed at every exit.
#include <windows.h>
#include <utility>

class Module {
public:
    Module() = default;
    explicit Module(HMODULE h) : h_(h) {}
    Module(Module &&o) noexcept : h_(std::exchange(o.h_, nullptr)) {}
    Module &operator=(Module &&o) noexcept
    {
        std::swap(h_, o.h_);
        return *this;
    }
    ~Module()
    {
        if (h_ != nullptr)
            FreeLibrary(h_);
    }
    HMODULE get() const { return h_; }

private:
    HMODULE h_ = nullptr;
};

struct Entry {
    int rank = 0;
    Module module;
    FARPROC run = nullptr;
};

bool ranked(int *rank)
{
    Entry e;
    e.module = Module(LoadLibraryExW(L"C:\\Deck\\rank.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)); //! none
    if (e.module.get() == nullptr)
        return false;
    e.run = GetProcAddress(e.module.get(), "Rank");
    if (e.run == nullptr)
        return false; //! none
    *rank = static_cast<int>(e.run());
    return true;
}
