#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
typedef int (*start_fn)(void);
int begin(void *library)
{
    union { start_fn call; void *data; } entry;
#ifdef _WIN32
    entry.call = (start_fn)GetProcAddress((HMODULE)library, "start");
#else
    entry.data = dlsym(library, "start"); //! none CWE-754
#endif
    if (!entry.call)
        return -1;
    return entry.call();
}
int apart(void *library)
{
    union { start_fn call; void *data; } entry;
#ifdef _WIN32
    entry.call = (start_fn)GetProcAddress((HMODULE)library, "start");
    if (!entry.call)
        return -1;
#else
    entry.data = dlsym(library, "start"); //! CWE-754
#endif
    return entry.call();
}
