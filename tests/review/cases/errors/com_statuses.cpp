// HRESULT is zero where it worked
#include <windows.h>
typedef HRESULT (WINAPI *GetClass)(REFCLSID, REFIID, void **);
struct Server { HMODULE module; GetClass get; };
bool begin()
{
    if (!CoInitializeEx(nullptr, COINIT_MULTITHREADED)) //! CWE-253
        return false;
    return true;
}
bool begin_well()
{
    if (FAILED(CoInitializeEx(nullptr, COINIT_MULTITHREADED))) //! none CWE-253
        return false;
    return true;
}
bool made(Server &server, REFCLSID id, REFIID kind, void **object)
{
    HRESULT result = server.get(id, kind, object);
    return result; //! CWE-253
}
bool made_well(Server &server, REFCLSID id, REFIID kind, void **object)
{
    HRESULT result = server.get(id, kind, object);
    return result == S_OK; //! none CWE-253
}
int use(Server &server, REFCLSID id, REFIID kind, IUnknown **object)
{
    if (server.get(id, kind, (void **)object)) { //! CWE-253
        (*object)->Release();
        return 1;
    }
    return 0;
}
DWORD load(LPCWSTR path, HANDLE file)
{
    HMODULE module = LoadLibraryW(path);
    if (module == nullptr) {
        CloseHandle(file);
        return GetLastError(); //! CWE-391
    }
    return FreeLibrary(module) ? 0 : GetLastError(); //! none CWE-391
}
