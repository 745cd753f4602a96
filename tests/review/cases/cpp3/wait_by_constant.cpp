// How long is waited has a name; the second class waits on when the time is over.
#include <windows.h>

const DWORD kPatience = 3000;

class Feed {
public:
    void stop()
    {
        SetEvent(end_);
        WaitForSingleObject(thread_, kPatience); //! CWE-672
        FreeLibrary(module_);
        module_ = nullptr;
    }

private:
    HANDLE end_ = nullptr, thread_ = nullptr;
    HMODULE module_ = nullptr;
};

class Patient {
public:
    void stop()
    {
        SetEvent(end_);
        if (WaitForSingleObject(thread_, kPatience) != WAIT_OBJECT_0) { //! none
            OutputDebugStringW(L"still waiting\n");
            WaitForSingleObject(thread_, INFINITE);
        }
        FreeLibrary(module_);
        module_ = nullptr;
    }

private:
    HANDLE end_ = nullptr, thread_ = nullptr;
    HMODULE module_ = nullptr;
};
