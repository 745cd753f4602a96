// Windows updater helper
#include <windows.h>
#include <bcrypt.h>
#include <shellapi.h>
#include <string>
#include <vector>
typedef int (WINAPI *APPLY)(const wchar_t *);
static std::wstring Folder()
{
    wchar_t buf[MAX_PATH];
    DWORD n = GetCurrentDirectoryW(MAX_PATH, buf);
    return std::wstring(buf, n);
}
static bool Sha256(const std::vector<BYTE> &in, BYTE out[32])
{
    BCRYPT_ALG_HANDLE a = NULL;
    if (!BCRYPT_SUCCESS(BCryptOpenAlgorithmProvider(&a, BCRYPT_SHA256_ALGORITHM, NULL, 0)))
        return false;
    NTSTATUS s = BCryptHash(a, NULL, 0, (PUCHAR)in.data(), (ULONG)in.size(), out, 32);
    BCryptCloseAlgorithmProvider(a, 0);
    return BCRYPT_SUCCESS(s);
}
static bool Same(const std::vector<BYTE> &file, const BYTE want[32])
{
    BYTE got[32];
    Sha256(file, got);
    return strcmp((const char *)got, (const char *)want) == 0;  //! CWE-345
}
int Apply(const wchar_t *arg, const std::vector<BYTE> &bytes, const BYTE want[32])
{
    if (!Same(bytes, want))
        return 1;
    std::wstring dll = Folder() + L"\\patch.dll";
    HMODULE m = LoadLibraryW(dll.c_str());  //! CWE-427
    if (m == NULL)
        return 2;
    APPLY f = (APPLY)GetProcAddress(m, "PatchApply");
    int rc = f ? f(arg) : 3;
    FreeLibrary(m);
    if (f && rc == 0)
        f(NULL);  //! CWE-416
    return rc;
}
void Restart(const std::wstring &exe)
{
    PROCESS_INFORMATION pi = {};
    STARTUPINFOW si = { sizeof si };
    std::wstring cmd = exe + L" --restart";
    if (CreateProcessW(NULL, &cmd[0], NULL, NULL, FALSE, 0, NULL, NULL, &si, &pi)) {
        CloseHandle(pi.hThread);
        CloseHandle(pi.hProcess);
    }
}
