#include <windows.h>

struct recorder {
    HMODULE library;
    HANDLE thread;
    HHOOK hook;
};

void stop(struct recorder *r)
{
    if (WaitForSingleObject(r->thread, 1000) == WAIT_TIMEOUT)  /* bad */
        OutputDebugStringW(L"still there\n");
    FreeLibrary(r->library);
}

void off(struct recorder *r)
{
    FreeLibrary(r->library);  /* bad */
    UnhookWindowsHookEx(r->hook);
}
