/* A name that may hold no directory is looked for where Windows looks: joined to a directory, or held to System32, it is not. */
#include <wchar.h>
#include <windows.h>

HMODULE searched(const WCHAR *name)
{
    if (wcschr(name, L'\\') != NULL || wcschr(name, L'/') != NULL)
        return NULL;
    return LoadLibraryW(name); //! CWE-427
}

HMODULE held_to_system32(const WCHAR *name)
{
    if (wcschr(name, L'\\') != NULL || wcschr(name, L'/') != NULL)
        return NULL;
    return LoadLibraryExW(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32); //! none CWE-427
}

HMODULE joined(const WCHAR *name)
{
    WCHAR path[MAX_PATH];
    if (wcschr(name, L'\\') != NULL || wcschr(name, L'/') != NULL)
        return NULL;
    if (swprintf(path, MAX_PATH, L"C:\\Program Files\\Desk\\%ls", name) < 0)
        return NULL;
    return LoadLibraryW(path); //! none CWE-427
}
