/* Windows print monitor: ports, critical section, registry path */
#include <windows.h>
#include <strsafe.h>
#include <stdlib.h>
typedef struct MON { HMODULE dll; BOOL (WINAPI *Write)(LPBYTE, DWORD); LONG refs; WCHAR path[MAX_PATH]; struct MON *next; } MON;
static MON *g_list;
static CRITICAL_SECTION g_cs;

static BOOL ReadPath(LPCWSTR key, LPWSTR out, DWORD cch)
{
    HKEY h;
    DWORD cb = cch * sizeof(WCHAR), type;
    LONG rc;
    if (RegOpenKeyExW(HKEY_CURRENT_USER, key, 0, KEY_READ, &h) != ERROR_SUCCESS)
        return FALSE;
    rc = RegQueryValueExW(h, L"Driver", NULL, &type, (LPBYTE)out, &cb);
    RegCloseKey(h);
    return rc == ERROR_SUCCESS && type == REG_SZ;
}
MON *MonGet(LPCWSTR key)
{
    MON *m;
    WCHAR path[MAX_PATH];
    if (!ReadPath(key, path, MAX_PATH))
        return NULL;
    EnterCriticalSection(&g_cs);
    for (m = g_list; m != NULL; m = m->next)
        if (lstrcmpiW(m->path, path) == 0) {
            LeaveCriticalSection(&g_cs);
            return m;  //! CWE-911
        }
    m = calloc(1, sizeof *m);
    if (m == NULL) {
        LeaveCriticalSection(&g_cs);
        return NULL;
    }
    m->dll = LoadLibraryExW(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (m->dll == NULL) {
        free(m);
        return NULL;  //! CWE-667
    }
    m->Write = (BOOL (WINAPI *)(LPBYTE, DWORD))GetProcAddress(m->dll, "MonWrite");
    if (m->Write == NULL) {
        free(m);
        LeaveCriticalSection(&g_cs);
        return NULL;  //! CWE-772
    }
    StringCchCopyW(m->path, MAX_PATH, path);
    m->refs = 1;
    m->next = g_list;
    g_list = m;
    LeaveCriticalSection(&g_cs);
    return m;
}
void MonPut(MON *m)
{
    MON **pp;
    EnterCriticalSection(&g_cs);
    if (--m->refs == 0) {
        for (pp = &g_list; *pp; pp = &(*pp)->next)
            if (*pp == m) {
                *pp = m->next;
                break;
            }
        FreeLibrary(m->dll);
        free(m);
    }
    LeaveCriticalSection(&g_cs);
}
