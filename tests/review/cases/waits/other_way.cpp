// A lock of readers that is released as if a writer had taken it.
#include <shared_mutex>
#include <windows.h>

static SRWLOCK guard = SRWLOCK_INIT;
static HMODULE module;

FARPROC find_wrong(const char *name)
{
    AcquireSRWLockShared(&guard);
    FARPROC found = module ? GetProcAddress(module, name) : nullptr;
    ReleaseSRWLockExclusive(&guard); //! CWE-667
    return found;
}

FARPROC find_or_load(const char *name)
{
    AcquireSRWLockShared(&guard);
    HMODULE now = module;
    ReleaseSRWLockShared(&guard); //! none CWE-667
    AcquireSRWLockExclusive(&guard);
    if (!module)
        module = LoadLibraryExW(L"codec.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    now = module;
    ReleaseSRWLockExclusive(&guard); //! none CWE-667
    return now ? GetProcAddress(now, name) : nullptr;
}
