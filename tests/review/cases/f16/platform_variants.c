/* One helper, two platforms: a call leads to the variant its caller is compiled for. */
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <stddef.h>

static void give_back(void *library)
{
    if (library == NULL)
        return;
#ifdef _WIN32
    FreeLibrary(library);
#else
    dlclose(library); //! none
#endif
}

int start(const char *path)
{
    int (*run)(void);
    void *library;
#ifdef _WIN32
    library = LoadLibraryExA(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    run = library ? (int (*)(void))GetProcAddress(library, "run") : NULL;
#else
    library = dlopen(path, RTLD_NOW);
    run = library ? (int (*)(void))dlsym(library, "run") : NULL;
#endif
    if (run == NULL) {
        give_back(library);
        return -1;
    }
    return run();
}
