// A library whose path comes from each of the places a program of Windows reads from, kept and handed on in each way.
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *kept;

static void from_environment()
{
    char path[260] = "";
    GetEnvironmentVariableA("EXTENSION", path, 260);
    HMODULE module = LoadLibraryA(path); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void from_registry(HKEY key)
{
    wchar_t path[260] = L"";
    DWORD size = sizeof(path) - sizeof(wchar_t);
    if (RegQueryValueExW(key, L"Extension", NULL, NULL, (LPBYTE)path, &size) != ERROR_SUCCESS)
        return;
    HMODULE module = LoadLibraryW(path); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void from_console()
{
    char path[260] = "";
    if (fgets(path, sizeof path, stdin) == NULL)
        return;
    path[strcspn(path, "\n")] = '\0';
    char *other = path;
    HMODULE module = LoadLibraryA(other); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void from_socket(SOCKET peer)
{
    char path[260];
    int count = recv(peer, path, sizeof path - 1, 0);
    if (count == SOCKET_ERROR || count == 0)
        return;
    path[count] = '\0';
    HMODULE module = LoadLibraryA(path); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void use(char *path)
{
    HMODULE module = LoadLibraryA(path); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void handed_on()
{
    char path[260] = "";
    GetEnvironmentVariableA("EXTENSION", path, 260);
    use(path);
}

static void from_variable()
{
    HMODULE module = LoadLibraryA(kept); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void kept_in_variable()
{
    char *path = getenv("EXTENSION");
    if (path == NULL)
        return;
    kept = path;
    from_variable();
}

struct Holder {
    char *first;
    char *second;
};

static void use_holder(Holder holder)
{
    HMODULE module = LoadLibraryA(holder.second); //! CWE-114
    if (module != NULL)
        FreeLibrary(module);
}

static void kept_in_record()
{
    Holder holder = {NULL, NULL};
    holder.second = getenv("EXTENSION");
    if (holder.second != NULL)
        use_holder(holder);
}

static void fixed()
{
    const char *path = "C:\\Windows\\System32\\winsrv.dll";
    HMODULE module = LoadLibraryA(path); //! none
    if (module != NULL)
        FreeLibrary(module);
}

int main(int argc, char **argv)
{
    from_environment();
    from_registry(HKEY_LOCAL_MACHINE);
    from_console();
    from_socket(0);
    handed_on();
    kept_in_variable();
    kept_in_record();
    fixed();
    return 0;
}
