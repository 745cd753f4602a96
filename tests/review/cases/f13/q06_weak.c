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
        InitializeCriticalSection(&g_cs);
        g_dep = LoadLibraryEx(TEXT("bcrypt.dll"), NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);  //! CWE-833
        g_worker = CreateThread(NULL, 0, Worker, NULL, 0, NULL);
        break;
    case DLL_PROCESS_DETACH:
        WaitForSingleObject(g_worker, INFINITE);  //! CWE-833
        DeleteCriticalSection(&g_cs);
        break;
    }
    return TRUE;
}
BOOL CodecStart(void)
{
    return g_dep != NULL;
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
