// Places, rights and command lines of an updater for Windows.
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;

HMODULE stage(const char *data, size_t n)
{
    wchar_t dir[MAX_PATH];
    GetTempPathW(MAX_PATH, dir);
    std::wstring path = std::wstring(dir) + L"hostsetup.dll";
    std::ofstream out(path, std::ios::binary);
    out.write(data, n);
    out.close();
    return LoadLibraryW(path.c_str());
}

bool stageFs(const char *data, size_t n)
{
    fs::path target = fs::temp_directory_path() / "host" / "plug.dll";
    fs::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary).write(data, n);
    return LoadLibraryW(target.c_str()) != nullptr;
}

bool stageOwn(const char *data, size_t n)
{
    wchar_t dir[MAX_PATH], file[MAX_PATH];
    GetTempPathW(MAX_PATH, dir);
    if (!GetTempFileNameW(dir, L"hst", 0, file))
        return false;
    HANDLE h = CreateFileW(file, GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr); //! none
    if (h == INVALID_HANDLE_VALUE)
        return false;
    DWORD w = 0;
    BOOL ok = WriteFile(h, data, (DWORD)n, &w, nullptr);
    CloseHandle(h);
    return ok && LoadLibraryW(file);
}

bool stageGuid(const char *data, size_t n)
{
    GUID id;
    wchar_t text[64], dir[MAX_PATH];
    if (FAILED(CoCreateGuid(&id)) || !StringFromGUID2(id, text, 64))
        return false;
    GetTempPathW(MAX_PATH, dir);
    std::wstring folder = std::wstring(dir) + text;
    if (!CreateDirectoryW(folder.c_str(), nullptr)) //! none
        return false;
    std::wstring path = folder + L"\\stage.dll";
    std::ofstream(path, std::ios::binary).write(data, n); //! none
    return LoadLibraryW(path.c_str()) != nullptr;
}

bool openToAll(const wchar_t *dir)
{
    SECURITY_DESCRIPTOR sd;
    InitializeSecurityDescriptor(&sd, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorDacl(&sd, TRUE, nullptr, FALSE); //! CWE-732/276
    SECURITY_ATTRIBUTES sa{sizeof sa, &sd, FALSE};
    return CreateDirectoryW(dir, &sa);
}

bool openToAllSddl(const wchar_t *dir)
{
    SECURITY_ATTRIBUTES sa{sizeof sa, nullptr, FALSE};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:(A;OICI;GA;;;WD)", SDDL_REVISION_1, &sa.lpSecurityDescriptor, nullptr)) //! CWE-732/276
        return false;
    return CreateDirectoryW(dir, &sa);
}

bool adminsOnly(const wchar_t *dir)
{
    SECURITY_ATTRIBUTES sa{sizeof sa, nullptr, FALSE};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;OICI;GA;;;BA)(A;OICI;GA;;;SY)(A;OICI;GRGX;;;WD)", SDDL_REVISION_1, &sa.lpSecurityDescriptor, nullptr)) //! none
        return false;
    return CreateDirectoryW(dir, &sa);
}

bool grantEveryone(wchar_t *dir)
{
    EXPLICIT_ACCESSW ea{};
    ea.grfAccessPermissions = GENERIC_ALL;
    ea.grfAccessMode = GRANT_ACCESS;
    ea.grfInheritance = SUB_CONTAINERS_AND_OBJECTS_INHERIT;
    ea.Trustee.TrusteeForm = TRUSTEE_IS_NAME;
    ea.Trustee.ptstrName = const_cast<LPWSTR>(L"Everyone");
    PACL acl = nullptr;
    if (SetEntriesInAclW(1, &ea, nullptr, &acl) != ERROR_SUCCESS)
        return false;
    DWORD rc = SetNamedSecurityInfoW(dir, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, acl, nullptr); //! CWE-732/276
    LocalFree(acl);
    return rc == ERROR_SUCCESS;
}

bool fsAll(const fs::path &p)
{
    fs::permissions(p, fs::perms::all); //! CWE-732/276
    return LoadLibraryW(p.c_str()) != nullptr;
}

bool startTool(const std::wstring &arg)
{
    STARTUPINFOW si{sizeof si};
    PROCESS_INFORMATION pi{};
    wchar_t line[] = L"C:\\Program Files\\Host\\tool.exe -scan";
    if (!CreateProcessW(nullptr, line, nullptr, nullptr, FALSE, 0, nullptr, nullptr, &si, &pi)) //! CWE-428
        return false;
    CloseHandle(pi.hThread);
    CloseHandle(pi.hProcess);
    return true;
}

bool startBuilt(const std::wstring &dir)
{
    STARTUPINFOW si{sizeof si};
    PROCESS_INFORMATION pi{};
    wchar_t exe[MAX_PATH];
    GetModuleFileNameW(nullptr, exe, MAX_PATH);
    std::wstring line = std::wstring(exe) + L" --child";
    if (!CreateProcessW(nullptr, line.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &si, &pi)) //! CWE-428
        return false;
    CloseHandle(pi.hThread);
    CloseHandle(pi.hProcess);
    return true;
}

bool startQuoted()
{
    STARTUPINFOW si{sizeof si};
    PROCESS_INFORMATION pi{};
    wchar_t exe[MAX_PATH];
    GetModuleFileNameW(nullptr, exe, MAX_PATH);
    std::wstring line = L"\"" + std::wstring(exe) + L"\" --child";
    if (!CreateProcessW(exe, line.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &si, &pi)) //! none
        return false;
    CloseHandle(pi.hThread);
    CloseHandle(pi.hProcess);
    return true;
}

bool service(SC_HANDLE scm)
{
    SC_HANDLE s = CreateServiceW(scm, L"HostSvc", L"Host", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
        SERVICE_ERROR_NORMAL, L"C:\\Program Files\\Host\\svc.exe", nullptr, nullptr, nullptr, nullptr, nullptr);
    if (!s)
        return false;
    CloseServiceHandle(s);
    return true;
}

bool autostart(HKEY run)
{
    const wchar_t text[] = L"C:\\Program Files\\Host\\tray.exe -min";
    return RegSetValueExW(run, L"Host", 0, REG_SZ, (const BYTE *)text, sizeof text) == ERROR_SUCCESS;
}

void serveClient(HANDLE pipe)
{
    ImpersonateNamedPipeClient(pipe); //! CWE-252/273
    HMODULE m = LoadLibraryW(L"C:\\Program Files\\Host\\job.dll");
    if (m)
        FreeLibrary(m);
    RevertToSelf();
}

HMODULE bare()
{
    return LoadLibraryW(L"hostcodec.dll"); //! CWE-427/426
}

HMODULE current(const wchar_t *dir)
{
    SetCurrentDirectoryW(dir);
    return LoadLibraryExW(L"codec.dll", nullptr, LOAD_WITH_ALTERED_SEARCH_PATH); //! CWE-427/426
}

HMODULE searched()
{
    wchar_t found[MAX_PATH];
    if (!SearchPathW(nullptr, L"codec.dll", nullptr, MAX_PATH, found, nullptr))
        return nullptr;
    return LoadLibraryW(found);
}
