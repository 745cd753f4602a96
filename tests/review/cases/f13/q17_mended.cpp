// module handle, wrong pointer arithmetic; calling convention
#include <windows.h>
#include <tlhelp32.h>
typedef int (WINAPI *EXPORT_FN)(HWND, LPCWSTR);  //! none
int ask(HWND w)
{
    HMODULE u = LoadLibraryExW(L"shlwapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!u)
        return -1;
    EXPORT_FN f = (EXPORT_FN)GetProcAddress(u, "ShellMessage");
    int r = f ? f(w, L"hi") : -1;
    FreeLibrary(u);
    return r;
}
int call_hidden(void)
{
    HMODULE e = GetModuleHandleW(L"explorerframe.dll");
    if (!e)
        return -1;
    int (WINAPI *g)(void) = (int (WINAPI *)(void))GetProcAddress(e, "HiddenRun");
    if (!g)
        return -1;  //! none
    return g();
}
void search_here(const wchar_t *dir)
{
    SetDllDirectoryW(L"");
    (void)dir;  //! none
    HMODULE m = LoadLibraryW(L"C:\\Program Files\\Acme\\core.dll");
    if (m)
        FreeLibrary(m);
}
