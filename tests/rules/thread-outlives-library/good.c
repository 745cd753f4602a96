#include <windows.h>

struct recorder {
    HMODULE library;
    HANDLE thread;
    HHOOK hook;
};

int stop(struct recorder *r)
{
    if (WaitForSingleObject(r->thread, 1000) != WAIT_OBJECT_0)
        return -1;
    FreeLibrary(r->library);
    return 0;
}

void off(struct recorder *r)
{
    UnhookWindowsHookEx(r->hook);
    WaitForSingleObject(r->thread, INFINITE);
    FreeLibrary(r->library);
}
