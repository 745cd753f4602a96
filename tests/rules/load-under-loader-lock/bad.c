#include <windows.h>

static HMODULE helper;

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    if (reason == DLL_PROCESS_ATTACH) {
        helper = LoadLibraryExW(L"helper.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);  /* bad */
        if (helper == NULL)
            return FALSE;
    }
    return TRUE;
}
