// functions that fail with INVALID_HANDLE_VALUE, and those that fail with null
#include <windows.h>
HANDLE device()
{
    HANDLE h = CreateFileW(L"\\\\.\\x", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    if (!h) //! CWE-253
        return nullptr;
    return h;
}
HANDLE device_compared()
{
    HANDLE h = CreateFileW(L"\\\\.\\x", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    return h == INVALID_HANDLE_VALUE ? nullptr : h; //! none CWE-253
}
HANDLE event()
{
    HANDLE h = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (h == INVALID_HANDLE_VALUE) //! CWE-253
        return nullptr;
    return h;
}
HANDLE event_tested()
{
    HANDLE h = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (h == nullptr) //! none CWE-253
        return nullptr;
    return h;
}
HMODULE module() { return LoadLibraryExW(L"C:\\x\\y.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); }
