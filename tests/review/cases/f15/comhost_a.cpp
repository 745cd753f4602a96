// comhost: registration-free activation of COM servers.
#include <windows.h>
#include <objbase.h>

#include <map>
#include <mutex>
#include <string>

struct IRender : IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Draw(HDC dc) = 0;
};

extern const IID IID_IRender;

typedef HRESULT(STDAPICALLTYPE* GetClassObjectFn)(REFCLSID, REFIID, LPVOID*);
typedef HRESULT(STDAPICALLTYPE* CanUnloadFn)();

class ComHost {
public:
    HRESULT create(const std::wstring& file, REFCLSID clsid, IRender** out);
    HRESULT drawOnce(const std::wstring& file, REFCLSID clsid, HDC dc);
    void trim();

private:
    HMODULE module(const std::wstring& file);
    std::mutex lock_;
    std::map<std::wstring, HMODULE> modules_;
};

HMODULE ComHost::module(const std::wstring& file)
{
    std::lock_guard<std::mutex> hold(lock_);
    auto it = modules_.find(file);
    if (it != modules_.end())
        return it->second;
    HMODULE m = ::LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (m)
        modules_[file] = m;
    return m;
}

HRESULT ComHost::create(const std::wstring& file, REFCLSID clsid, IRender** out)
{
    *out = nullptr;
    HMODULE m = module(file);
    if (!m)
        return HRESULT_FROM_WIN32(::GetLastError());
    auto get = reinterpret_cast<GetClassObjectFn>(::GetProcAddress(m, "DllGetClassObject"));
    if (!get)
        return E_NOINTERFACE;
    IClassFactory* factory = nullptr;
    get(clsid, IID_IClassFactory, reinterpret_cast<void**>(&factory));
    HRESULT hr = factory->CreateInstance(nullptr, IID_IRender, reinterpret_cast<void**>(out)); //! CWE-252
    factory->Release();
    return hr;
}

HRESULT ComHost::drawOnce(const std::wstring& file, REFCLSID clsid, HDC dc)
{
    HMODULE m = ::LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (!m)
        return HRESULT_FROM_WIN32(::GetLastError());
    auto make = reinterpret_cast<IRender*(STDAPICALLTYPE*)(REFCLSID)>(::GetProcAddress(m, "CreateRender"));
    IRender* r = make ? make(clsid) : nullptr;
    if (!r) {
        ::FreeLibrary(m);
        return E_FAIL;
    }
    HRESULT hr = r->Draw(dc);
    ::FreeLibrary(m);
    r->Release(); //! CWE-416
    return hr;
}

void ComHost::trim()
{
    std::lock_guard<std::mutex> hold(lock_);
    for (auto it = modules_.begin(); it != modules_.end();) {
        auto can = reinterpret_cast<CanUnloadFn>(::GetProcAddress(it->second, "DllCanUnloadNow"));
        if (can && can() == S_OK) {
            ::FreeLibrary(it->second);
            it = modules_.erase(it);
        } else {
            ++it;
        }
    }
}
