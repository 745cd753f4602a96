/* A command line that is put together in an array: its length, and the quotes round its first word. */
#include <string.h>
#include <wchar.h>
#include <windows.h>

static WCHAR folder[MAX_PATH];

int start(const WCHAR *ini)
{
    WCHAR name[128], line[300];
    STARTUPINFOW how;
    PROCESS_INFORMATION made;

    memset(&how, 0, sizeof how);
    how.cb = sizeof how;
    if (LoadLibraryExW(L"acme.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32) == NULL)
        return -1;
    GetPrivateProfileStringW(L"game", L"exe", L"game.exe", name, 128, ini);
    wcscpy(line, folder);
    wcscat(line, name); //! CWE-787
    wcscat(line, L" -fast");
    return CreateProcessW(NULL, line, NULL, NULL, FALSE, 0, NULL, folder, &how, &made); //! CWE-428
}

int start_quoted(const WCHAR *ini)
{
    WCHAR name[128], text[600];
    STARTUPINFOW how;
    PROCESS_INFORMATION made;

    memset(&how, 0, sizeof how);
    how.cb = sizeof how;
    GetPrivateProfileStringW(L"game", L"exe", L"game.exe", name, 128, ini);
    wcscpy(text, L"\"");
    wcscat(text, folder);
    wcscat(text, name); //! none CWE-787
    wcscat(text, L"\" -fast");
    return CreateProcessW(NULL, text, NULL, NULL, FALSE, 0, NULL, folder, &how, &made); //! none CWE-428
}
