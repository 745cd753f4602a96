// Downloads, signatures and certificates of an updater for Windows.
#include <windows.h>
#include <wininet.h>
#include <winhttp.h>
#include <wintrust.h>
#include <softpub.h>
#include <urlmon.h>
#include <fstream>
#include <string>

LONG trustOf(const wchar_t *file)
{
    WINTRUST_FILE_INFO fi{sizeof fi, file};
    WINTRUST_DATA wd{sizeof wd};
    wd.dwUIChoice = WTD_UI_NONE;
    wd.fdwRevocationChecks = WTD_REVOKE_NONE;
    wd.dwUnionChoice = WTD_CHOICE_FILE;
    wd.pFile = &fi;
    GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
    return WinVerifyTrust(nullptr, &action, &wd);
}

HMODULE unsignedIsFine(const wchar_t *file)
{
    LONG rc = trustOf(file);
    if (rc != ERROR_SUCCESS && rc != TRUST_E_NOSIGNATURE) //! CWE-347/345
        return nullptr;
    return LoadLibraryW(file);
}

HMODULE onlyBad(const wchar_t *file)
{
    if (trustOf(file) == TRUST_E_BAD_DIGEST)
        return nullptr;
    return LoadLibraryW(file);
}

HMODULE looked(const wchar_t *file)
{
    if (trustOf(file) != ERROR_SUCCESS) //! none CWE-347
        return nullptr;
    return LoadLibraryW(file);
}

HMODULE dropped(const wchar_t *file)
{
    trustOf(file);
    return LoadLibraryW(file);
}

bool sendLoosely(HINTERNET request)
{
    DWORD flags = SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_CN_INVALID;
    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &flags, sizeof flags); //! CWE-295
    return WinHttpSendRequest(request, nullptr, 0, nullptr, 0, 0, 0);
}

HINTERNET openLoosely(HINTERNET session)
{
    return InternetOpenUrlW(session, L"https://updates.example.org/plug.dll", nullptr, 0,
        INTERNET_FLAG_SECURE | INTERNET_FLAG_IGNORE_CERT_CN_INVALID | INTERNET_FLAG_IGNORE_CERT_DATE_INVALID, 0);
}

HMODULE plainDownload()
{
    if (FAILED(URLDownloadToFileW(nullptr, L"http://updates.example.org/plug.dll", L"C:\\ProgramData\\Host\\plug.dll", 0, nullptr)))
        return nullptr;
    return LoadLibraryW(L"C:\\ProgramData\\Host\\plug.dll");
}

struct Patch { char magic[4]; unsigned size; unsigned crc; unsigned char body[1]; };

unsigned crc32(const void *p, size_t n);

bool applyPatch(const Patch *p)
{
    if (crc32(p->body, p->size) != p->crc)
        return false;
    std::ofstream out("C:\\ProgramData\\Host\\plug.dll", std::ios::binary);
    out.write((const char *)p->body, p->size);
    out.close();
    return LoadLibraryA("C:\\ProgramData\\Host\\plug.dll") != nullptr;
}

HMODULE secondName(const std::wstring &file)
{
    HANDLE h = CreateFileW(file.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr);
    if (h == INVALID_HANDLE_VALUE)
        return nullptr;
    CloseHandle(h);
    if (trustOf(file.c_str()) != ERROR_SUCCESS)
        return nullptr;
    return LoadLibraryW(file.c_str());
}
