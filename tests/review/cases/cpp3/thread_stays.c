/* What the wait says does not matter to the library: the thread runs in it. A start that says no is another thing. */
#include <windows.h>

static HMODULE engine;
static DWORD(WINAPI *run)(void *);
static HANDLE ready;

BOOL engine_start(void)
{
    HANDLE thread;

    engine = LoadLibraryExA("C:\\Deck\\engine.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (engine == NULL)
        return FALSE;
    run = (DWORD(WINAPI *)(void *))GetProcAddress(engine, "Run");
    ready = run != NULL ? CreateEventA(NULL, TRUE, FALSE, NULL) : NULL;
    thread = ready != NULL ? CreateThread(NULL, 0, run, ready, 0, NULL) : NULL;
    if (thread == NULL) {
        FreeLibrary(engine);
        engine = NULL;
        return FALSE;
    }
    return WaitForSingleObject(ready, INFINITE) == WAIT_OBJECT_0; //! none
}
