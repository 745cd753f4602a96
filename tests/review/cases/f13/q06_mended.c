/* DllMain of a codec DLL */
#include <windows.h>
static HANDLE g_worker;
static HMODULE g_dep;
static CRITICAL_SECTION g_cs;
static DWORD WINAPI Worker(LPVOID p)
{
    (void)p;
    Sleep(10);
    return 0;
}
BOOL WINAPI DllMain(HINSTANCE inst, DWORD why, LPVOID r)
{
    (void)r;
    switch (why) {
    case DLL_PROCESS_ATTACH:
        DisableThreadLibraryCalls(inst);
        InitializeCriticalSection(&g_cs);  //! none
        break;
    case DLL_PROCESS_DETACH:  //! none
        DeleteCriticalSection(&g_cs);
        break;
    }
    return TRUE;
}
BOOL CodecStart(void)
{
    g_dep = LoadLibraryEx(TEXT("bcrypt.dll"), NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (g_dep == NULL)
        return FALSE;
    g_worker = CreateThread(NULL, 0, Worker, NULL, 0, NULL);
    if (g_worker == NULL) {
        FreeLibrary(g_dep);
        g_dep = NULL;
        return FALSE;
    }
    return TRUE;  //! none
}
void CodecStop(void)
{
    if (g_worker) {
        WaitForSingleObject(g_worker, INFINITE);
        CloseHandle(g_worker);
        g_worker = NULL;
    }
    if (g_dep) {
        FreeLibrary(g_dep);
        g_dep = NULL;
    }
}
