// A plain struct holds the library: every way out is asked, and the calling convention may be any macro
#include <windows.h>
#include <vector>

typedef HRESULT (STDAPICALLTYPE *PFNINIT)(DWORD version, void **context);

struct Entry {
    HMODULE module = nullptr;
    PFNINIT init = nullptr;
    void *context = nullptr;
};

class Registry {
public:
    HRESULT Load(LPCWSTR path);
    HRESULT LoadKept(LPCWSTR path);

private:
    std::vector<Entry> m_entries;
};

HRESULT Registry::Load(LPCWSTR path)
{
    Entry e;
    e.module = ::LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (e.module == nullptr)
        return E_FAIL;
    e.init = reinterpret_cast<PFNINIT>(::GetProcAddress(e.module, "ShimInitialize"));
    if (e.init == nullptr) {
        ::FreeLibrary(e.module);
        return E_FAIL;
    }
    HRESULT hr = e.init(0x0200, &e.context);
    if (FAILED(hr))
        return hr; //! CWE-772
    m_entries.push_back(e);
    return S_OK; //! none
}

HRESULT Registry::LoadKept(LPCWSTR path)
{
    Entry e{::LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32), nullptr};
    if (!e.module)
        return E_FAIL;
    m_entries.push_back(e);
    return S_OK; //! none
}
