// service host, window hooks, module registration
#include <windows.h>
#include <wintrust.h>
#include <softpub.h>
#include <string>
static LONG verify(const wchar_t *file)
{
    WINTRUST_FILE_INFO fi = { sizeof fi };
    WINTRUST_DATA wd = { sizeof wd };
    GUID g = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    fi.pcwszFilePath = file;
    wd.dwUIChoice = WTD_UI_NONE;
    wd.fdwRevocationChecks = WTD_REVOKE_WHOLECHAIN;
    wd.dwUnionChoice = WTD_CHOICE_FILE;
    wd.pFile = &fi;
    wd.dwStateAction = WTD_STATEACTION_VERIFY;
    LONG r = WinVerifyTrust(NULL, &g, &wd);
    wd.dwStateAction = WTD_STATEACTION_CLOSE;
    WinVerifyTrust(NULL, &g, &wd);
    return r;
}
HMODULE load_verified(const wchar_t *file)
{
    if (verify(file) == TRUST_E_NOSIGNATURE)  //! CWE-253
        return NULL;
    return LoadLibraryExW(file, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
}
BOOL register_service(const std::wstring &exe)
{
    SC_HANDLE scm = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);
    if (!scm)
        return FALSE;
    std::wstring cmd = L"C:\\Program Files\\Acme Host\\host.exe -k";
    SC_HANDLE s = CreateServiceW(scm, L"acme", L"Acme", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
        SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, cmd.c_str(), NULL, NULL, NULL, NULL, NULL);
    CloseHandle(scm);  //! CWE-763
    if (!s)
        return FALSE;
    CloseServiceHandle(s);
    return TRUE;
}
