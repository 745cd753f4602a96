#include <process.h>
#include <winsock2.h>
#include <windows.h>

int named_by_a_peer(SOCKET peer)
{
    HMODULE codec = LoadLibraryExW(L"codec.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    char name[60] = "";
    int got = recv(peer, name, sizeof name - 1, 0);
    if (codec == NULL || got <= 0)
        return 1;
    name[got] = '\0';
    return SetComputerNameA(name) ? 0 : 1; //! CWE-15
}

int named_by_the_program(void)
{
    return SetComputerNameA("RENDER-01") ? 0 : 1; //! none
}

void told_to_a_shell(SOCKET peer)
{
    char line[90] = "dir ";
    if (recv(peer, line + 4, 80, 0) <= 0)
        return;
    _spawnl(_P_WAIT, "C:\\Windows\\System32\\cmd.exe", "cmd.exe", "/c", line, NULL); //! CWE-78
    _spawnl(_P_WAIT, "C:\\Windows\\System32\\whoami.exe", "whoami.exe", "/all", NULL); //! none
}

int wide_name(void)
{
    wchar_t *name = _wtempnam(L"C:\\Temp", L"codec"); //! CWE-377
    return name != NULL ? _wopen(name, _O_RDWR | _O_CREAT, _S_IREAD | _S_IWRITE) : -1;
}

int wide_name_of_a_new_file(void)
{
    wchar_t *name = _wtempnam(L"C:\\Temp", L"codec"); //! none
    return name != NULL ? _wopen(name, _O_RDWR | _O_CREAT | _O_EXCL, _S_IREAD | _S_IWRITE) : -1;
}
