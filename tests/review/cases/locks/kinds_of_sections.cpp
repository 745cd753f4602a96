#include <windows.h>
struct Driver { CRITICAL_SECTION cs; HMODULE h; int uses; };
struct Manager { CRITICAL_SECTION cs; Driver *drivers[4]; int n; };
void Poll(Manager *m) {
    EnterCriticalSection(&m->cs);
    for (int i = 0; i < m->n; i++) {
        EnterCriticalSection(&m->drivers[i]->cs);
        m->drivers[i]->uses++;
        LeaveCriticalSection(&m->drivers[i]->cs);
    }
    LeaveCriticalSection(&m->cs);
}
void Drop(Manager *manager, Driver *driver) {
    EnterCriticalSection(&driver->cs);
    FreeLibrary(driver->h);
    driver->h = NULL;
    EnterCriticalSection(&manager->cs); //! CWE-833
    manager->n--;
    LeaveCriticalSection(&manager->cs);
    LeaveCriticalSection(&driver->cs);
}
