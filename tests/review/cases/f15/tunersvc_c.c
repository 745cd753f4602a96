/* tunersvc: loads at most eight tuner DLLs named by the administrator; paths were checked at install. */
#include <windows.h>
#include <strsafe.h>

#define MAX_TUNERS 8

typedef DWORD (WINAPI *TUNE_FN)(DWORD freq);

struct tuner {
    HMODULE dll;
    TUNE_FN tune;
};

static struct tuner tuners[MAX_TUNERS];
static DWORD count;
static SRWLOCK guard = SRWLOCK_INIT;

static BOOL plain(const WCHAR *name)
{
    const WCHAR *p;

    for (p = name; *p; p++)
        if (!((*p >= L'a' && *p <= L'z') || (*p >= L'0' && *p <= L'9')))
            return FALSE;
    return p != name && p - name < 32;
}

BOOL tuner_add(const WCHAR *dir, const WCHAR *name)
{
    WCHAR path[MAX_PATH];
    struct tuner t;
    BOOL ok = FALSE;

    if (!plain(name))
        return FALSE;
    if (FAILED(StringCchPrintfW(path, MAX_PATH, L"C:\\Program Files\\Tuner\\%s.dll", name)))
        return FALSE;
    UNREFERENCED_PARAMETER(dir);
    t.dll = LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32); //! none
    if (!t.dll)
        return FALSE;
    t.tune = (TUNE_FN)GetProcAddress(t.dll, "Tune"); //! none
    if (!t.tune) {
        FreeLibrary(t.dll); //! none
        return FALSE;
    }
    AcquireSRWLockExclusive(&guard);
    if (count < MAX_TUNERS) {
        tuners[count++] = t;
        ok = TRUE;
    }
    ReleaseSRWLockExclusive(&guard);
    if (!ok)
        FreeLibrary(t.dll); //! none
    return ok;
}

DWORD tuner_tune(DWORD which, DWORD freq)
{
    DWORD rc = ERROR_INVALID_INDEX;

    AcquireSRWLockShared(&guard);
    if (which < count)
        rc = tuners[which].tune(freq);
    ReleaseSRWLockShared(&guard);
    return rc;
}

void tuner_close_all(void)
{
    AcquireSRWLockExclusive(&guard);
    while (count > 0) {
        struct tuner *t = &tuners[--count];

        t->tune = NULL;
        FreeLibrary(t->dll); //! none
        t->dll = NULL;
    }
    ReleaseSRWLockExclusive(&guard);
}
