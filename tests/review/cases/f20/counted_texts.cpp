// Rooms in characters through functions of one's own, and texts of Automation.
#include <windows.h>
#include <oleauto.h>

#include <cstdlib>
#include <string>

typedef int(__stdcall *PFN_NAMES)(const wchar_t *folder, wchar_t *out, DWORD cch);
typedef int(__stdcall *PFN_BLOB)(const wchar_t *folder, BYTE *out, DWORD cb);

static bool besideProgram(wchar_t *out, DWORD room)
{
    const DWORD n = GetModuleFileNameW(nullptr, out, room);
    return n != 0 && n < room;
}

HMODULE openHelper()
{
    wchar_t path[MAX_PATH];
    if (!besideProgram(path, sizeof path)) //! CWE-131
        return nullptr;
    return LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
}

HMODULE openHelperCounted()
{
    wchar_t path[MAX_PATH];
    if (!besideProgram(path, sizeof path / sizeof path[0])) //! none CWE-131
        return nullptr;
    return LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
}

int list(HMODULE lib)
{
    auto names = reinterpret_cast<PFN_NAMES>(GetProcAddress(lib, "Names"));
    auto blob = reinterpret_cast<PFN_BLOB>(GetProcAddress(lib, "Blob"));
    if (!names || !blob)
        return -1;
    wchar_t all[512];
    BYTE raw[512];
    return names(L"C:\\Fonts", all, sizeof all) //! CWE-131
           + blob(L"C:\\Fonts", raw, sizeof raw); //! none CWE-131
}

std::wstring unit(IDispatch *scale, DISPID id)
{
    VARIANT v;
    VariantInit(&v);
    DISPPARAMS none = {};
    if (FAILED(scale->Invoke(id, IID_NULL, 0, DISPATCH_PROPERTYGET, &none, &v, nullptr, nullptr)) || v.vt != VT_BSTR)
        return {};
    std::wstring s(v.bstrVal, SysStringLen(v.bstrVal));
    free(v.bstrVal); //! CWE-762
    return s;
}

std::wstring unitRight(IDispatch *scale, DISPID id)
{
    VARIANT v;
    VariantInit(&v);
    DISPPARAMS none = {};
    if (FAILED(scale->Invoke(id, IID_NULL, 0, DISPATCH_PROPERTYGET, &none, &v, nullptr, nullptr)) || v.vt != VT_BSTR)
        return {};
    std::wstring s(v.bstrVal, SysStringLen(v.bstrVal));
    SysFreeString(v.bstrVal); //! none CWE-762
    return s;
}
