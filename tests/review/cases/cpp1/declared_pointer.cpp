// A pointer to a function whose type the grammar does not know, a library that is only asked for, one that is always there
#include <dlfcn.h>
#include <windows.h>
#ifndef RTLD_NOLOAD
#define RTLD_NOLOAD 0
#endif

bool forget(void *handle);

bool isWow()
{
    BOOL wow = FALSE;
    BOOL (WINAPI *ask)(HANDLE, PBOOL) =
        (BOOL (WINAPI *)(HANDLE, PBOOL))GetProcAddress(GetModuleHandle(TEXT("kernel32")), "IsWow64Process"); //! none
    return ask && ask(GetCurrentProcess(), &wow) && wow;
}

bool forgetLibrary(const char *path)
{
    void *handle = dlopen(path, RTLD_NOLOAD | RTLD_LAZY);
    if (!handle)
        return false;
    dlclose(handle);
    return forget(handle); //! none
}
