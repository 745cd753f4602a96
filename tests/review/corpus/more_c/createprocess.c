#include <windows.h>

int launch(void)
{
    STARTUPINFOA si = {0};
    PROCESS_INFORMATION pi;
    /* starts the plugin host next to app.dll */
    return CreateProcessA(NULL, "C:\\Program Files\\App\\host.exe -p", NULL, NULL, FALSE, 0, NULL, NULL, &si, &pi); /* expect: CWE-428 */
}
