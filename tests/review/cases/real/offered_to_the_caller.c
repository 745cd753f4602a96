#include <windows.h>
struct wanted { void **place; const char *name; };
int fill(const char *name, struct wanted *wanted, HMODULE *out)
{
    HMODULE library;
    int i;
    if (out)
        *out = NULL;
    library = LoadLibraryExA(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!library)
        return 1;
    for (i = 0; wanted[i].place; i++) {
        void *found = (void *)GetProcAddress(library, wanted[i].name);
        if (!found) {
            FreeLibrary(library);
            return 2;
        }
        *wanted[i].place = found;
    }
    if (out)
        *out = library;
    return 0; //! none CWE-772
}
int look(const char *name, HMODULE *out)
{
    HMODULE library = LoadLibraryExA(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    int (*version)(void);
    if (!library)
        return 1;
    version = (int (*)(void))GetProcAddress(library, "version");
    if (!version) {
        FreeLibrary(library);
        return 2;
    }
    if (version() < 3)
        return 3; //! CWE-772
    if (out)
        *out = library;
    return 0;
}
