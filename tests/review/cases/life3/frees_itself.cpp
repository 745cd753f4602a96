#include <windows.h>

// A thread of a library gives back the library it runs in.

static DWORD WINAPI leaves(LPVOID own)
{
    Sleep(100);
    FreeLibrary(static_cast<HMODULE>(own)); //! CWE-672
    ExitThread(0);
}

static DWORD WINAPI leaves_well(LPVOID own)
{
    Sleep(100);
    FreeLibraryAndExitThread(static_cast<HMODULE>(own), 0); //! none
}

bool begin(bool well)
{
    HMODULE own = nullptr;
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, reinterpret_cast<LPCWSTR>(&begin), &own))
        return false;
    HANDLE thread = CreateThread(nullptr, 0, well ? leaves_well : leaves, own, 0, nullptr);
    if (!thread) {
        FreeLibrary(own); //! none
        return false;
    }
    CloseHandle(thread);
    return true;
}
