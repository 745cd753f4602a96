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
    unique_handle m(LoadLibraryExW(full, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32));  //! CWE-763
    if (!m)
        return -1;
    RUN r = (RUN)GetProcAddress((HMODULE)m.get(), "Run");
    return r ? r() : -1;
}
int host_version(void)
{
    unique_module k(GetModuleHandleW(L"kernel32.dll"));
    typedef DWORD (WINAPI *GV)(void);
    GV g = (GV)GetProcAddress(k.get(), "GetVersion");
    return g ? (int)(g() & 0xff) : -1;
}
