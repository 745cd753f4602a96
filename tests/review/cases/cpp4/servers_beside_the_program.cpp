// Servers of COM that are loaded by path: statuses that nobody reads, a busy server, interfaces that end after COM.
#include <objbase.h>
#include <windows.h>
#include <wrl/client.h>

using Microsoft::WRL::ComPtr;

struct IMeter : public IUnknown {
    virtual HRESULT STDMETHODCALLTYPE Read(double *value) = 0;
};

typedef HRESULT(STDAPICALLTYPE *ClassOf)(REFCLSID, REFIID, void **);
typedef HRESULT(STDAPICALLTYPE *MayGo)();

class MeterServer {
public:
    explicit MeterServer(PCWSTR path)
        : module_(LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32))
    {
        if (module_) {
            class_of_ = reinterpret_cast<ClassOf>(GetProcAddress(module_, "DllGetClassObject"));
            may_go_ = reinterpret_cast<MayGo>(GetProcAddress(module_, "DllCanUnloadNow"));
        }
    }
    MeterServer(const MeterServer &) = delete;
    HRESULT unasked(REFCLSID id, IMeter **out) const
    {
        ComPtr<IClassFactory> factory;
        class_of_(id, IID_PPV_ARGS(&factory));
        return factory->CreateInstance(nullptr, __uuidof(IMeter), reinterpret_cast<void **>(out)); //! CWE-252
    }
    HRESULT asked(REFCLSID id, IMeter **out) const
    {
        ComPtr<IClassFactory> factory;
        HRESULT status = class_of_(id, IID_PPV_ARGS(&factory));
        if (FAILED(status))
            return status;
        return factory->CreateInstance(nullptr, __uuidof(IMeter), reinterpret_cast<void **>(out)); //! none
    }
    HRESULT looked_at(REFCLSID id, IMeter **out) const
    {
        ComPtr<IClassFactory> factory;
        class_of_(id, IID_PPV_ARGS(&factory));
        if (!factory)
            return E_NOINTERFACE;
        return factory->CreateInstance(nullptr, __uuidof(IMeter), reinterpret_cast<void **>(out)); //! none
    }
    void unload_busy()
    {
        if (may_go_ && SUCCEEDED(may_go_())) //! CWE-672
            FreeLibrary(module_);
    }
    void unload_idle()
    {
        if (may_go_ && may_go_() == S_OK) //! none
            FreeLibrary(module_);
    }

private:
    HMODULE module_;
    ClassOf class_of_ = nullptr;
    MayGo may_go_ = nullptr;
};

int read_late(REFCLSID id)
{
    if (FAILED(CoInitializeEx(nullptr, COINIT_MULTITHREADED)))
        return 1;
    ComPtr<IMeter> meter;
    HRESULT status = CoCreateInstance(id, nullptr, CLSCTX_INPROC_SERVER, IID_PPV_ARGS(&meter));
    CoUninitialize(); //! CWE-672
    return FAILED(status);
}

int read_in_time(REFCLSID id)
{
    if (FAILED(CoInitializeEx(nullptr, COINIT_MULTITHREADED)))
        return 1;
    ComPtr<IMeter> meter, kept;
    HRESULT status = CoCreateInstance(id, nullptr, CLSCTX_INPROC_SERVER, IID_PPV_ARGS(&meter));
    {
        ComPtr<IMeter> second = meter;
        double value = 0;
        if (SUCCEEDED(status))
            second->Read(&value);
    }
    kept = meter;
    meter.Reset();
    kept = nullptr;
    CoUninitialize(); //! none
    return FAILED(status);
}
