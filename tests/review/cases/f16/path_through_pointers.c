/* The way from the source to the load leads through a function pointer, an array, and an argument. */
#include <windows.h>
#include <stdlib.h>

static void load_it(const char *path)
{
    HMODULE module = LoadLibraryA(path); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void through_function_pointer(void)
{
    void (*sink)(const char *) = load_it;
    const char *path = getenv("ADDON");
    if (path != NULL)
        sink(path);
}

static void through_array(void)
{
    const char *paths[5] = {0};
    HMODULE module;
    paths[2] = getenv("ADDON");
    if (paths[2] == NULL)
        return;
    module = LoadLibraryA(paths[2]); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

int main(int argc, char **argv)
{
    HMODULE module;
    if (argc < 2)
        return 2;
    through_function_pointer();
    through_array();
    module = LoadLibraryA(argv[1]); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
    return 0;
}
