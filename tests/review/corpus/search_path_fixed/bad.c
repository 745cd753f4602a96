#include <windows.h>

int start(void)
{
    HMODULE m = LoadLibraryA("helper.dll"); /* expect: CWE-427 */
    if (m == NULL)
        return (int)GetLastError();
    FreeLibrary(m);
    return 0;
}
