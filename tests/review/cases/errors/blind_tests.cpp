// the results of Windows, and what its macros ask
#include <windows.h>
#include <shellapi.h>
bool unload(HMODULE module)
{
    return !FAILED(FreeLibrary(module)); //! CWE-253
}
bool unload_well(HMODULE module)
{
    return FreeLibrary(module) != FALSE; //! none CWE-253
}
bool started(LPCWSTR tool)
{
    HINSTANCE result = ShellExecuteW(nullptr, L"open", tool, nullptr, nullptr, SW_HIDE);
    if (result == nullptr) //! CWE-253
        return false;
    return true;
}
bool started_well(LPCWSTR tool)
{
    return reinterpret_cast<INT_PTR>(ShellExecuteW(nullptr, L"open", tool, nullptr, nullptr, SW_HIDE)) > 32; //! none CWE-253
}
HMODULE of_setting(HKEY key, wchar_t *path, DWORD size)
{
    if (RegQueryValueExW(key, L"Module", nullptr, nullptr, reinterpret_cast<BYTE *>(path), &size) < 0) //! CWE-253
        return nullptr;
    if (GetFileAttributesW(path) == 0) //! CWE-253
        return nullptr;
    return LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
}
