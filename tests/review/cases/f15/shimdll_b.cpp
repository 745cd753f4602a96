// shimdll: entry of a DLL that measures API calls of its host.
#include <windows.h>

#include <atomic>

namespace {

HANDLE g_worker;
HANDLE g_quit;
HMODULE g_self;
HMODULE g_sink;
std::atomic<bool> g_ready{false};

using SinkWrite = void(WINAPI*)(const void*, DWORD);
SinkWrite g_write;

DWORD WINAPI work(void*)
{
    while (::WaitForSingleObject(g_quit, 250) == WAIT_TIMEOUT)
        if (g_ready && g_write)
            g_write("tick", 4);
    return 0;
}

bool startUp()
{
    g_quit = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    if (!g_quit)
        return false;
    g_sink = ::LoadLibraryExW(L"C:\\Program Files\\Shim\\sink.dll", nullptr, LOAD_WITH_ALTERED_SEARCH_PATH); //! none
    if (!g_sink)
        return false;
    g_write = reinterpret_cast<SinkWrite>(::GetProcAddress(g_sink, "SinkWrite")); //! none
    if (!g_write) {
        ::FreeLibrary(g_sink); //! none
        g_sink = nullptr;
        return false;
    }
    g_worker = ::CreateThread(nullptr, 0, work, nullptr, 0, nullptr);
    g_ready = g_worker != nullptr;
    return g_ready;
}

void shutDown()
{
    ::SetEvent(g_quit);
    ::WaitForSingleObject(g_worker, INFINITE);
    ::CloseHandle(g_worker);
    g_write = nullptr;
    ::FreeLibrary(g_sink); //! none
    g_sink = nullptr;
}

}  // namespace

extern "C" __declspec(dllexport) BOOL WINAPI ShimStart()
{
    return startUp() ? TRUE : FALSE;
}

extern "C" __declspec(dllexport) void WINAPI ShimStop()
{
    shutDown();
}

BOOL APIENTRY DllMain(HMODULE self, DWORD why, LPVOID)
{
    switch (why) {
    case DLL_PROCESS_ATTACH:
        g_self = self;
        ::DisableThreadLibraryCalls(self);
        break;
    default:
        break;
    }
    return TRUE;
}
