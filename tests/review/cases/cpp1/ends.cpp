// Loops through entries, last counts, members by their order, work under the loader's lock, texts that are printed
#include <windows.h>
#include <objbase.h>
#include <wil/resource.h>
#include <memory>
#include <string>
#include <vector>

struct ISource { virtual HRESULT Start() = 0; virtual void Release() = 0; };
struct ReleaseSource { void operator()(ISource *s) const { s->Release(); } };
using unique_source = std::unique_ptr<ISource, ReleaseSource>;

class Late {
    unique_source source_;
    wil::unique_hmodule module_; //! CWE-416
};

class Early {
    wil::unique_hmodule module_; //! none
    unique_source source_;
};

struct Entry { HMODULE module; int (*done)(void *); void *context; };

class Registry {
public:
    bool Add(LPCWSTR path)
    {
        Entry e{};
        e.module = LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
        if (!e.module)
            return false;
        e.done = reinterpret_cast<int (*)(void *)>(GetProcAddress(e.module, "Done"));
        if (!e.done) {
            FreeLibrary(e.module);
            return false;
        }
        entries_.push_back(e);
        return true;
    }
    void Clear()
    {
        for (Entry &e : entries_) {
            FreeLibrary(e.module);
            e.done(e.context); //! CWE-416
        }
        entries_.clear();
    }

private:
    std::vector<Entry> entries_;
};

void useAfter(ISource *s)
{
    s->Release();
    s->Start(); //! CWE-416
}

void symbolOf(const std::string &name, char (&out)[64])
{
    char sym[64];
    wsprintfA(sym, "plugin_%s", name.c_str()); //! CWE-787
    wsprintfA(sym, "plugin_%.40s", name.c_str()); //! none
    memcpy(out, sym, sizeof sym);
}

BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID)
{
    if (reason == DLL_PROCESS_ATTACH)
        CoInitializeEx(nullptr, COINIT_MULTITHREADED); //! CWE-833
    return TRUE;
}
