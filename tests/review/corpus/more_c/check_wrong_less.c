#include <windows.h>

HMODULE open_it(void)
{
    HMODULE h = LoadLibraryExA("C:\\app\\a.dll", NULL, 0x1000);
    if (h == INVALID_HANDLE_VALUE) /* expect: CWE-253 */
        return NULL;
    return h;
}
