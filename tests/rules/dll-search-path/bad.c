#include <windows.h>

int start(void)
{
    HMODULE m = LoadLibraryA("helper.dll");  /* bad */
    if (m == NULL)
        return (int)GetLastError();
    FreeLibrary(m);
    return 0;
}
