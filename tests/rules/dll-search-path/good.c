#include <windows.h>

int start(void)
{
    HMODULE m = LoadLibraryExA("helper.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (m == NULL)
        return (int)GetLastError();
    FreeLibrary(m);
    return 0;
}
