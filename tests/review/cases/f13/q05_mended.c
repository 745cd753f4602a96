/* tray tool: loads language DLLs and helper */
#include <windows.h>
#include <shlwapi.h>
#include <stdio.h>
#include <tchar.h>
typedef LPCTSTR (WINAPI *TEXTFN)(UINT);
static HMODULE g_lang;
static TEXTFN g_text;

BOOL LangLoad(LPCTSTR code)
{
    TCHAR path[MAX_PATH];
    DWORD n;
    if (lstrlen(code) != 2 || !IsCharAlpha(code[0]) || !IsCharAlpha(code[1]))
        return FALSE;
    n = GetModuleFileName(NULL, path, MAX_PATH);
    if (n == 0 || n >= MAX_PATH)
        return FALSE;
    PathRemoveFileSpec(path);
    if (!PathAppend(path, TEXT("lang")) || !PathAppend(path, code))
        return FALSE;
    if (!PathAddExtension(path, TEXT(".dll")))
        return FALSE;
    g_lang = LoadLibraryEx(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);  //! none
    if (!g_lang)
        return FALSE;
    g_text = (TEXTFN)GetProcAddress(g_lang, "LangText");
    if (!g_text) {
        FreeLibrary(g_lang);
        g_lang = NULL;
        return FALSE;
    }
    return TRUE;
}
BOOL HelperStart(LPCTSTR args)
{
    STARTUPINFO si = { sizeof si };
    PROCESS_INFORMATION pi;
    TCHAR cmd[512];
    if (_tcschr(args, TEXT('"')) != NULL)
        return FALSE;
    _sntprintf_s(cmd, 512, _TRUNCATE, TEXT("\"C:\\Program Files\\Tray\\helper.exe\" \"%s\""), args);
    if (!CreateProcess(TEXT("C:\\Program Files\\Tray\\helper.exe"), cmd, NULL, NULL, FALSE, 0, NULL, NULL, &si, &pi))
        return FALSE;
    CloseHandle(pi.hThread);
    CloseHandle(pi.hProcess);
    return TRUE;  //! none
}
void LangFree(void)
{
    g_text = NULL;
    if (g_lang)
        FreeLibrary(g_lang);
    g_lang = NULL;
}
