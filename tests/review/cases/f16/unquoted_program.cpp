// Programs started by a command line with a space in it.
#include <windows.h>
#include <string>

typedef int (*run_t)(void);

bool start_bare(STARTUPINFOA *info, PROCESS_INFORMATION *made)
{
    char line[] = "C:\\Program Files\\Vendor\\tool.exe /quiet";
    return CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, info, made) != 0; //! CWE-428
}

bool start_quoted(STARTUPINFOA *info, PROCESS_INFORMATION *made)
{
    char line[] = "\"C:\\Program Files\\Vendor\\tool.exe\" /quiet";
    return CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, info, made) != 0; //! none
}

bool start_named(STARTUPINFOA *info, PROCESS_INFORMATION *made)
{
    char line[] = "C:\\Program Files\\Vendor\\tool.exe /quiet";
    const char *program = "C:\\Program Files\\Vendor\\tool.exe";
    return CreateProcessA(program, line, NULL, NULL, FALSE, 0, NULL, NULL, info, made) != 0; //! none
}

bool start_joined(const std::wstring &folder, STARTUPINFOW *info, PROCESS_INFORMATION *made)
{
    std::wstring line = folder + L"\\bin\\tool.exe";
    line += L" /quiet";
    return CreateProcessW(nullptr, &line[0], nullptr, nullptr, FALSE, 0, nullptr, nullptr, info, made) != 0; //! CWE-428
}

bool start_joined_quoted(const std::wstring &folder, STARTUPINFOW *info, PROCESS_INFORMATION *made)
{
    std::wstring line = L"\"" + folder + L"\\bin\\tool.exe\"";
    line += L" /quiet";
    return CreateProcessW(nullptr, &line[0], nullptr, nullptr, FALSE, 0, nullptr, nullptr, info, made) != 0; //! none
}

int run(void)
{
    HMODULE module = LoadLibraryExA("run.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (module == NULL)
        return -1;
    run_t entry = (run_t)GetProcAddress(module, "run");
    int result = entry ? entry() : -1;
    FreeLibrary(module);
    return result;
}
