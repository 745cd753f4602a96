// patchup: fetches a plug-in package, checks its signature and loads it.
#include <windows.h>
#include <softpub.h>
#include <urlmon.h>
#include <wintrust.h>

#include <string>

static LONG verify(const wchar_t* file)
{
    WINTRUST_FILE_INFO fi{};
    fi.cbStruct = sizeof fi;
    fi.pcwszFilePath = file;
    WINTRUST_DATA wd{};
    wd.cbStruct = sizeof wd;
    wd.dwUIChoice = WTD_UI_NONE;
    wd.fdwRevocationChecks = WTD_REVOKE_WHOLECHAIN;
    wd.dwUnionChoice = WTD_CHOICE_FILE;
    wd.pFile = &fi;
    wd.dwStateAction = WTD_STATEACTION_VERIFY;
    GUID policy = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    LONG rc = ::WinVerifyTrust(nullptr, &policy, &wd);
    wd.dwStateAction = WTD_STATEACTION_CLOSE;
    ::WinVerifyTrust(nullptr, &policy, &wd);
    return rc;
}

HMODULE installPlugin(const std::wstring& url, const std::wstring& store)
{
    const std::wstring file = store + L"\\incoming.dll";
    if (FAILED(::URLDownloadToFileW(nullptr, url.c_str(), file.c_str(), 0, nullptr)))
        return nullptr;
    verify(file.c_str());
    HMODULE m = ::LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); //! CWE-494
    if (!m)
        return nullptr;
    DWORD entry = (DWORD)(DWORD_PTR)::GetProcAddress(m, "PluginInit");
    ((void(WINAPI*)(void))(DWORD_PTR)entry)(); //! CWE-690
    return m;
}
