// Timers and waits that are taken back while their callback, which runs the library's code, may still be running.
#include <windows.h>

class Sampler {
public:
    bool open()
    {
        module_ = LoadLibraryExW(L"sampler.dll", nullptr, LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
        if (!module_)
            return false;
        sample_ = reinterpret_cast<void (*)()>(GetProcAddress(module_, "sample"));
        return sample_ && RegisterWaitForSingleObject(&wait_, event_, &Sampler::onEvent, this, INFINITE, 0)
            && CreateTimerQueueTimer(&timer_, queue_, &Sampler::onEvent, this, 100, 100, 0);
    }
    void stop()
    {
        UnregisterWaitEx(wait_, nullptr);
        FreeLibrary(module_); //! CWE-672
        module_ = nullptr;
    }
    void stopWaiting()
    {
        UnregisterWaitEx(wait_, INVALID_HANDLE_VALUE);
        FreeLibrary(module_); //! none
        module_ = nullptr;
    }
    void stopAtOnce()
    {
        UnregisterWait(wait_);
        FreeLibrary(module_); //! CWE-672
        module_ = nullptr;
    }
    void stopTimer()
    {
        DeleteTimerQueueTimer(queue_, timer_, NULL);
        FreeLibrary(module_); //! CWE-672
        module_ = nullptr;
    }
    void stopTimerWaiting()
    {
        DeleteTimerQueueTimer(queue_, timer_, INVALID_HANDLE_VALUE);
        FreeLibrary(module_); //! none
        module_ = nullptr;
    }
    void stopTimerByEvent()
    {
        HANDLE done = CreateEventW(nullptr, TRUE, FALSE, nullptr);
        if (!done)
            return;
        if (DeleteTimerQueueTimer(queue_, timer_, done) || GetLastError() == ERROR_IO_PENDING)
            WaitForSingleObject(done, INFINITE);
        CloseHandle(done);
        FreeLibrary(module_); //! none
        module_ = nullptr;
    }
    void stopQueue()
    {
        DeleteTimerQueueEx(queue_, nullptr);
        FreeLibrary(module_); //! CWE-672
        module_ = nullptr;
    }

private:
    static void CALLBACK onEvent(void *self, BOOLEAN) { static_cast<Sampler *>(self)->sample_(); }
    HANDLE wait_ = nullptr, timer_ = nullptr, queue_ = nullptr, event_ = nullptr;
    void (*sample_)() = nullptr;
    HMODULE module_ = nullptr;
};

// The callback of this timer calls nothing of the library.
class Blinker {
public:
    bool open()
    {
        module_ = LoadLibraryExW(L"lamp.dll", nullptr, LOAD_LIBRARY_SEARCH_APPLICATION_DIR);
        return module_ && CreateTimerQueueTimer(&timer_, nullptr, &Blinker::onTick, this, 100, 100, 0);
    }
    void stop()
    {
        DeleteTimerQueueTimer(nullptr, timer_, nullptr);
        FreeLibrary(module_); //! none
        module_ = nullptr;
    }

private:
    static void CALLBACK onTick(void *self, BOOLEAN) { InterlockedIncrement(&static_cast<Blinker *>(self)->ticks_); }
    LONG ticks_ = 0;
    HANDLE timer_ = nullptr;
    HMODULE module_ = nullptr;
};
