// handle holders
#include <windows.h>
#include <memory>
struct HandleCloser { void operator()(void *h) const { if (h && h != INVALID_HANDLE_VALUE) CloseHandle(h); } };
struct ModuleCloser { void operator()(HMODULE h) const { if (h) FreeLibrary(h); } };
using unique_handle = std::unique_ptr<void, HandleCloser>;
using unique_module = std::unique_ptr<std::remove_pointer<HMODULE>::type, ModuleCloser>;
typedef int (WINAPI *RUN)(void);
int run_module(const wchar_t *full)
{
    unique_module m(LoadLibraryExW(full, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32));
    if (!m)
        return -1;
    RUN r = (RUN)GetProcAddress(m.get(), "Run");  //! none
    return r ? r() : -1;
}
int host_version(void)
{
    HMODULE k = GetModuleHandleW(L"kernel32.dll");
    typedef DWORD (WINAPI *GV)(void);
    GV g = k ? (GV)GetProcAddress(k, "GetVersion") : NULL;  //! none
    return g ? (int)(g() & 0xff) : -1;
}
