/* under the lock of start and stop, and read without it by the thread that lives between the two */
#include <windows.h>
static SRWLOCK life = SRWLOCK_INIT;
static CRITICAL_SECTION ring_lock;
static HANDLE stop_event, some, worker;
static unsigned head;
static void put(void)
{
    EnterCriticalSection(&ring_lock);
    head++;
    LeaveCriticalSection(&ring_lock);
    SetEvent(some); //! none CWE-362
}
static DWORD WINAPI work(void *module)
{
    HANDLE both[2];
    both[0] = stop_event; //! none CWE-362
    both[1] = some;
    while (WaitForMultipleObjects(2, both, FALSE, INFINITE) == WAIT_OBJECT_0 + 1)
        put();
    FreeLibraryAndExitThread((HMODULE)module, 0);
}
int start(HMODULE self)
{
    AcquireSRWLockExclusive(&life);
    head = 0; //! none CWE-362
    stop_event = CreateEventW(NULL, TRUE, FALSE, NULL);
    some = CreateEventW(NULL, FALSE, FALSE, NULL);
    worker = stop_event && some ? CreateThread(NULL, 0, work, self, 0, NULL) : NULL;
    ReleaseSRWLockExclusive(&life);
    return worker != NULL;
}
void stop(void)
{
    AcquireSRWLockExclusive(&life);
    if (worker != NULL) {
        SetEvent(stop_event);
        WaitForSingleObject(worker, INFINITE);
        CloseHandle(worker);
        worker = NULL;
        CloseHandle(stop_event);
        CloseHandle(some);
        stop_event = some = NULL;
    }
    ReleaseSRWLockExclusive(&life);
}
