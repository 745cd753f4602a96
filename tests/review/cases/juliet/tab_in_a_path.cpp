#include <windows.h>

void start(const wchar_t *name)
{
    HMODULE library = LoadLibraryExW(L"helper.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (library == nullptr)
        return;
    wchar_t quoted[] = L"\"C:\\Common\tFiles\\Helper\" /quiet";
    CreateProcessW(nullptr, quoted, nullptr, nullptr, FALSE, 0, nullptr, nullptr, nullptr, nullptr); //! none CWE-428
    wchar_t line[] = L"C:\\Common\tFiles\\Helper";
    CreateProcessW(nullptr, line, nullptr, nullptr, FALSE, 0, nullptr, nullptr, nullptr, nullptr); //! CWE-428
    FreeLibrary(library);
}
