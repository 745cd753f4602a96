#include <stdio.h>
#include <wchar.h>
#include <windows.h>

int load_what_is_typed(void)
{
    wchar_t room[200] = L"", *name = room;
    size_t used = wcslen(name);
    if (fgetws(name + used, (int)(200 - used), stdin) == NULL)
        return -1;
    used = wcslen(name);
    if (used > 0 && name[used - 1] == L'\n')
        name[used - 1] = L'\0';
    HMODULE library = LoadLibraryW(name); //! CWE-114
    if (library == NULL)
        return -1;
    FreeLibrary(library);
    return 0;
}
