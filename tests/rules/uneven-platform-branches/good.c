#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

typedef int (*start_t)(void);

int start(void)
{
#ifdef _WIN32
    HMODULE h = LoadLibraryExA("C:\\app\\core.dll", NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (h == NULL)
        return -1;
    start_t f = (start_t)GetProcAddress(h, "start");
#else
    void *h = dlopen("/usr/lib/app/core.so", RTLD_NOW);
    if (h == NULL)
        return -1;
    start_t f = (start_t)dlsym(h, "start");
#endif
    if (f == 0)
        return -2;
    return f();
}
