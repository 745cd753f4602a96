#include <windows.h>

static HMODULE helper;

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    return TRUE;
}

int ensure(void)
{
    helper = LoadLibraryExW(L"helper.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    return helper != NULL;
}
