#include <windows.h>

int has_feature(void)
{
    HMODULE k = GetModuleHandleA("kernel32.dll");
    if (k == NULL)
        return 0;
    FARPROC p = GetProcAddress(k, "SetThreadDescription");
    return p != NULL;
}
