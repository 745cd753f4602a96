// A timer of the thread pool: closing it does not wait for a callback that runs.
#include <windows.h>

static HMODULE module;
static void (*sample)();
static PTP_TIMER timer;

static void CALLBACK on_timer(PTP_CALLBACK_INSTANCE, void *, PTP_TIMER)
{
    sample();
}

bool begin()
{
    module = LoadLibraryExW(L"sampler.dll", nullptr, LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
    if (!module)
        return false;
    sample = reinterpret_cast<void (*)()>(GetProcAddress(module, "sample"));
    timer = sample ? CreateThreadpoolTimer(on_timer, nullptr, nullptr) : nullptr;
    return timer != nullptr;
}

void end()
{
    SetThreadpoolTimer(timer, nullptr, 0, 0);
    CloseThreadpoolTimer(timer);
    FreeLibrary(module); //! CWE-672
}

void end_waiting()
{
    SetThreadpoolTimer(timer, nullptr, 0, 0);
    WaitForThreadpoolTimerCallbacks(timer, TRUE);
    CloseThreadpoolTimer(timer);
    FreeLibrary(module); //! none
}
