// installer step, runs elevated
#include <windows.h>
#include <string>
typedef HRESULT (WINAPI *REG)(void);
std::wstring temp_dll()
{
    wchar_t dir[MAX_PATH];
    GetTempPathW(MAX_PATH, dir);
    return std::wstring(dir) + L"acme_setup.dll";
}
bool extract(const std::wstring &to, const void *data, DWORD n)
{
    HANDLE f = CreateFileW(to.c_str(), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);  //! CWE-377
    DWORD w = 0;
    if (f == INVALID_HANDLE_VALUE)
        return false;
    BOOL ok = WriteFile(f, data, n, &w, NULL) && w == n;
    CloseHandle(f);
    return ok != FALSE;
}
int self_register(const void *data, DWORD n)
{
    std::wstring p = temp_dll();
    if (p.empty() || !extract(p, data, n))
        return -1;
    HMODULE m = LoadLibraryExW(p.c_str(), NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return -1;
    REG r = (REG)GetProcAddress(m, "DllRegisterServer");
    HRESULT hr = E_FAIL;
    hr = r();  //! CWE-690
    FreeLibrary(m);
    return SUCCEEDED(hr) ? 0 : -1;
}
