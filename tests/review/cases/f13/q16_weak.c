/* COM server counts; shared by apartments */
#include <windows.h>
#include <stdlib.h>
static LONG g_objects;
static HMODULE g_render;
static CRITICAL_SECTION g_lock;
typedef struct OBJ { LONG refs; int (*draw)(HDC); } OBJ;
OBJ *ObjCreate(void)
{
    OBJ *o = malloc(sizeof *o);
    if (o == NULL)
        return NULL;
    o->refs = 1;
    EnterCriticalSection(&g_lock);
    if (g_render == NULL)
        g_render = LoadLibraryExW(L"dwrite.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (g_render == NULL) {
        free(o);
        return NULL;  //! CWE-667
    }
    o->draw = (int (*)(HDC))GetProcAddress(g_render, "Draw");
    LeaveCriticalSection(&g_lock);
    if (o->draw == NULL) {
        free(o);
        return NULL;
    }
    InterlockedIncrement(&g_objects);
    return o;
}
ULONG ObjAddRef(OBJ *o)
{
    return InterlockedIncrement(&o->refs);
}
ULONG ObjRelease(OBJ *o)
{
    LONG n = --o->refs;  //! CWE-366
    if (n == 0) {
        free(o);
        InterlockedDecrement(&g_objects);
    }
    return n;
}
HRESULT DllCanUnloadNow(void)
{
    return g_objects == 0 ? S_OK : S_FALSE;
}
