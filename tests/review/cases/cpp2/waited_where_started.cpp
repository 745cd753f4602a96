// A thread that the function which starts it waits for is gone when the library is closed
#include <windows.h>
#include <process.h>

typedef int (WINAPI *WORK)(void *);

struct Job {
    WORK work;
    void *data;
    HANDLE done;
};

static unsigned __stdcall runJob(void *arg)
{
    Job *job = static_cast<Job *>(arg);
    job->work(job->data);
    SetEvent(job->done);
    return 0;
}

class Engine {
public:
    Engine() : m_dll(LoadLibraryExW(L"engine.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Engine()
    {
        if (m_dll)
            FreeLibrary(m_dll); //! none
    }
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;
    bool run(void *data)
    {
        if (!m_dll)
            return false;
        Job job = {reinterpret_cast<WORK>(GetProcAddress(m_dll, "Work")), data, nullptr};
        if (!job.work)
            return false;
        job.done = CreateEventW(nullptr, TRUE, FALSE, nullptr);
        HANDLE thread = reinterpret_cast<HANDLE>(_beginthreadex(nullptr, 0, runJob, &job, 0, nullptr));
        if (!thread)
            return false;
        WaitForSingleObject(thread, INFINITE);
        CloseHandle(thread);
        return true;
    }

private:
    HMODULE m_dll;
};
