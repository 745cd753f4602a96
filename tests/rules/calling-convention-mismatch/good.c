#include <windows.h>

typedef LONG (WINAPI *verify_t)(HWND, GUID *, LPVOID);

LONG verify(GUID *action, void *data)
{
    verify_t call;
    LONG answer = -1;
    HMODULE trust = LoadLibraryExW(L"wintrust.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    if (trust == NULL)
        return -1;
    call = (verify_t)GetProcAddress(trust, "WinVerifyTrust");
    if (call != NULL)
        answer = call(NULL, action, data);
    FreeLibrary(trust);
    return answer;
}
