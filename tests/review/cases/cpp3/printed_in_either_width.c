/* The layout is spelled by a macro; characters that are refused say nothing about how many there are. */
#include <windows.h>
#include <tchar.h>

HMODULE tool(const TCHAR *root, const TCHAR *name)
{
    TCHAR path[MAX_PATH];

    if (_tcspbrk(name, TEXT("\\/:")) != NULL)
        return NULL;
    _stprintf(path, TEXT("%s\\%s.dll"), root, name); //! CWE-787
    return LoadLibraryEx(path, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
}
