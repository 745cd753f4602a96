// Windows: handles of every kind.
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <process.h>
typedef int (WINAPI *run_fn)(void *);
typedef const wchar_t *(WINAPI *name_fn)(void);
int find_first(const wchar_t *mask)
{
    WIN32_FIND_DATAW d;
    HANDLE f = FindFirstFileW(mask, &d);
    if (f == INVALID_HANDLE_VALUE)
        return 0;
    do {
        HMODULE m = LoadLibraryExW(d.cFileName, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        if (m == NULL)
            return 0; //! CWE-772/404/775
        FreeLibrary(m);
    } while (FindNextFileW(f, &d));
    FindClose(f);
    return 1;
}
int find_first_b(const wchar_t *mask)
{
    WIN32_FIND_DATAW d;
    HANDLE f = FindFirstFileW(mask, &d);
    int ok = 1;
    if (f == INVALID_HANDLE_VALUE)
        return 0;
    do {
        HMODULE m = LoadLibraryExW(d.cFileName, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
        if (m == NULL) {
            ok = 0;
            break;
        }
        FreeLibrary(m);
    } while (FindNextFileW(f, &d));
    FindClose(f);
    return ok; //! none
}
void wrong_close(const wchar_t *mask)
{
    WIN32_FIND_DATAW d;
    HANDLE f = FindFirstFileW(mask, &d);
    if (f != INVALID_HANDLE_VALUE)
        CloseHandle(f); //! CWE-763/404/762
}
int reg(wchar_t *path, DWORD size)
{
    HKEY k;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Acme", 0, KEY_READ, &k) != ERROR_SUCCESS)
        return 0;
    if (RegQueryValueExW(k, L"Module", NULL, NULL, (BYTE *)path, &size) != ERROR_SUCCESS)
        return 0; //! CWE-772/404/775
    RegCloseKey(k);
    return 1;
}
int reg_b(wchar_t *path, DWORD size)
{
    HKEY k;
    LSTATUS s;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"Software\\Acme", 0, KEY_READ, &k) != ERROR_SUCCESS)
        return 0;
    s = RegQueryValueExW(k, L"Module", NULL, NULL, (BYTE *)path, &size);
    RegCloseKey(k);
    return s == ERROR_SUCCESS; //! none
}
DWORD image_size(const wchar_t *path)
{
    HANDLE f = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (f == INVALID_HANDLE_VALUE)
        return 0;
    HANDLE map = CreateFileMappingW(f, NULL, PAGE_READONLY, 0, 0, NULL);
    if (map == NULL)
        return 0; //! CWE-772/404/775
    BYTE *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0);
    DWORD n = view ? view[0] : 0;
    if (view)
        UnmapViewOfFile(view);
    CloseHandle(map);
    CloseHandle(f);
    return n;
}
DWORD image_size_b(const wchar_t *path)
{
    HANDLE f = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    if (f == INVALID_HANDLE_VALUE)
        return 0;
    HANDLE map = CreateFileMappingW(f, NULL, PAGE_READONLY, 0, 0, NULL);
    if (map == NULL) {
        CloseHandle(f);
        return 0; //! none
    }
    BYTE *view = MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0);
    CloseHandle(map);
    CloseHandle(f);
    return view ? view[0] : 0;
}
void say(DWORD e)
{
    wchar_t *text = NULL;
    if (!FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, e, 0, (wchar_t *)&text, 0, NULL))
        return;
    fwprintf(stderr, L"%ls", text);
} //! CWE-401/772/404
void say_b(DWORD e)
{
    wchar_t *text = NULL;
    if (!FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, e, 0, (wchar_t *)&text, 0, NULL))
        return;
    fwprintf(stderr, L"%ls", text);
    LocalFree(text);
} //! none
void say_c(DWORD e)
{
    wchar_t *text = NULL;
    FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM, NULL, e, 0, (wchar_t *)&text, 0, NULL);
    fwprintf(stderr, L"%ls", text);
    free(text); //! CWE-762/763/590
}
void not_ours(void)
{
    HMODULE m = GetModuleHandleW(L"acme.dll");
    if (m) {
        run_fn f = (run_fn)GetProcAddress(m, "run");
        if (f)
            f(NULL);
        FreeLibrary(m); //! CWE-763/675/911/666/826
    }
}
void ours(void)
{
    HMODULE m = NULL;
    if (GetModuleHandleExW(0, L"acme.dll", &m)) {
        run_fn f = (run_fn)GetProcAddress(m, "run");
        if (f)
            f(NULL);
        FreeLibrary(m); //! none
    }
}
int waited(const wchar_t *p)
{
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return 0;
    LPTHREAD_START_ROUTINE f = (LPTHREAD_START_ROUTINE)GetProcAddress(m, "worker");
    HANDLE t = f ? CreateThread(NULL, 0, f, NULL, 0, NULL) : NULL;
    if (t) {
        WaitForSingleObject(t, 2000);
        CloseHandle(t);
    }
    FreeLibrary(m);
    return 1;
}
int hooked(const wchar_t *p)
{
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return 0;
    HOOKPROC f = (HOOKPROC)GetProcAddress(m, "KeyHook");
    HHOOK h = f ? SetWindowsHookExW(WH_KEYBOARD, f, m, 0) : NULL;
    if (!h) {
        FreeLibrary(m);
        return 0;
    }
    Sleep(1000);
    FreeLibrary(m); //! CWE-416/672/825/459/404
    return 1;
}
int hooked_b(const wchar_t *p)
{
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return 0;
    HOOKPROC f = (HOOKPROC)GetProcAddress(m, "KeyHook");
    HHOOK h = f ? SetWindowsHookExW(WH_KEYBOARD, f, m, 0) : NULL;
    if (!h) {
        FreeLibrary(m);
        return 0;
    }
    Sleep(1000);
    UnhookWindowsHookEx(h);
    FreeLibrary(m); //! none
    return 1;
}
int window(const wchar_t *p)
{
    WNDCLASSW wc = {0};
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return 0;
    wc.lpfnWndProc = (WNDPROC)GetProcAddress(m, "PanelProc");
    wc.hInstance = m;
    wc.lpszClassName = L"Panel";
    if (!wc.lpfnWndProc || !RegisterClassW(&wc)) {
        FreeLibrary(m);
        return 0;
    }
    FreeLibrary(m); //! CWE-416/672/825
    return 1;
}
int text(const wchar_t *p)
{
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!m)
        return 0;
    name_fn f = (name_fn)GetProcAddress(m, "ModuleName");
    const wchar_t *n = f ? f() : L"?";
    FreeLibrary(m);
    wprintf(L"%ls\n", n); //! CWE-416/672/825
    return 1;
}
int resource(const wchar_t *p)
{
    HMODULE m = LoadLibraryExW(p, NULL, LOAD_LIBRARY_AS_DATAFILE);
    if (!m)
        return 0;
    HRSRC r = FindResourceW(m, L"TEXT", RT_RCDATA);
    HGLOBAL g = r ? LoadResource(m, r) : NULL;
    const char *t = g ? LockResource(g) : NULL;
    FreeLibrary(m);
    if (t)
        puts(t);
    return 1;
}
void handles(void)
{
    HANDLE e = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!e)
        return;
    HANDLE t = (HANDLE)_beginthread((void (*)(void *))Sleep, 0, NULL);
    CloseHandle(t);
    CloseHandle(e);
}
void twice(HANDLE e)
{
    CloseHandle(e);
    if (WaitForSingleObject(e, 0) == WAIT_OBJECT_0) //! CWE-672/910/416
        SetEvent(e);
}
int heap(size_t n)
{
    char *p = HeapAlloc(GetProcessHeap(), 0, n);
    if (!p)
        return 0;
    free(p); //! CWE-762/763
    return 1;
}
