// The path of the program itself, or of a directory of it, as a service's command line.
#include <windows.h>
HMODULE base()
{
    return LoadLibraryExW(L"acme.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
}
#include <string>
bool install(SC_HANDLE manager)
{
    wchar_t path[MAX_PATH];
    if (!GetModuleFileNameW(nullptr, path, MAX_PATH))
        return false;
    SC_HANDLE service = CreateServiceW(manager, L"acme", L"Acme", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, path, nullptr, nullptr, nullptr, nullptr, nullptr); //! CWE-428
    if (!service)
        return false;
    CloseServiceHandle(service);
    return true;
}
bool installQuoted(SC_HANDLE manager)
{
    wchar_t path[MAX_PATH];
    if (!GetModuleFileNameW(nullptr, path, MAX_PATH))
        return false;
    std::wstring quoted = L"\"" + std::wstring(path) + L"\"";
    SC_HANDLE service = CreateServiceW(manager, L"acme", L"Acme", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, quoted.c_str(), nullptr, nullptr, nullptr, nullptr, nullptr); //! none CWE-428
    if (!service)
        return false;
    CloseServiceHandle(service);
    return true;
}
bool installFixed(SC_HANDLE manager)
{
    SC_HANDLE service = CreateService(manager, TEXT("acme"), TEXT("Acme"), SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, TEXT("C:\\Program Files\\Acme\\service.exe"), NULL, NULL, NULL, NULL, NULL); //! CWE-428
    if (!service)
        return false;
    CloseServiceHandle(service);
    return true;
}
bool change(SC_HANDLE service, const std::wstring &dir)
{
    std::wstring path = dir + L"\\service.exe -k acme";
    return ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE, path.c_str(), nullptr, nullptr, nullptr, nullptr, nullptr, nullptr); //! CWE-428
}
