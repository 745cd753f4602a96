// an object with two interfaces: each has its own table
#include <shlobj.h>
#include <windows.h>
class Wrong : public IShellExtInit, public IContextMenu {
public:
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **out) override
    {
        *out = nullptr;
        if (riid == IID_IUnknown || riid == IID_IShellExtInit)
            *out = this; //! none CWE-704
        else if (riid == IID_IContextMenu)
            *out = this; //! CWE-704
        return *out ? S_OK : E_NOINTERFACE;
    }
};
class Turned : public IShellExtInit, public IContextMenu {
public:
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **out) override
    {
        *out = nullptr;
        if (IsEqualIID(riid, IID_IUnknown) || IsEqualIID(riid, IID_IShellExtInit))
            *out = static_cast<IShellExtInit *>(this); //! none CWE-704
        else if (IsEqualIID(riid, IID_IContextMenu))
            *out = reinterpret_cast<IContextMenu *>(this); //! CWE-704
        return *out ? S_OK : E_NOINTERFACE;
    }
};
class Right : public IShellExtInit, public IContextMenu {
public:
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **out) override
    {
        *out = nullptr;
        if (riid == IID_IUnknown || riid == __uuidof(IShellExtInit))
            *out = static_cast<IShellExtInit *>(this); //! none CWE-704
        else if (riid == __uuidof(IContextMenu))
            *out = static_cast<IContextMenu *>(this); //! none CWE-704
        return *out ? S_OK : E_NOINTERFACE;
    }
};
class One : public IContextMenu {
public:
    HRESULT STDMETHODCALLTYPE QueryInterface(REFIID riid, void **out) override
    {
        *out = riid == IID_IUnknown || riid == IID_IContextMenu ? this : nullptr; //! none CWE-704
        return *out ? S_OK : E_NOINTERFACE;
    }
};
BOOL WINAPI DllMain(HINSTANCE, DWORD, LPVOID) { return TRUE; }
