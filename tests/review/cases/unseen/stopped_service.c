#include <windows.h>

typedef struct monitor { int (*start)(HANDLE stop); void (*end)(void); } monitor_t;
typedef monitor_t *(*entry_t)(int);
static HMODULE module;
static monitor_t *monitor;
static HANDLE thread, stop;

static DWORD WINAPI run(void *argument) {
    (void)argument;
    return monitor->start(stop) ? 0 : 1;
}

static void unload(void) {
    monitor = NULL;
    FreeLibrary(module); //! none CWE-672
    module = NULL;
}

DWORD service_start(void) {
    module = LoadLibraryExW(L"C:\\Program Files\\Orchard\\monitor.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!module)
        return GetLastError();
    entry_t entry = (entry_t)(void *)GetProcAddress(module, "OrchardMonitor");
    monitor = entry ? entry(1) : NULL;
    if (!monitor) {
        unload();
        return ERROR_BAD_EXE_FORMAT;
    }
    thread = CreateThread(NULL, 0, run, NULL, 0, NULL);
    if (!thread) {
        DWORD code = GetLastError();
        unload();
        return code;
    }
    return ERROR_SUCCESS;
}

void service_stop(void) {
    if (!thread)
        return;
    SetEvent(stop);
    WaitForSingleObject(thread, INFINITE);
    monitor->end();
    CloseHandle(thread);
    thread = NULL;
    unload();
}
