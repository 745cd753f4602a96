// svcagent: service that runs the collector programs and loads the helper DLL of each product.
#include <windows.h>

#include <string>
#include <vector>

namespace {

struct Product {
    std::wstring dir;
    std::wstring collector;
};

std::wstring readString(HKEY key, const wchar_t* name)
{
    wchar_t buf[MAX_PATH];
    DWORD size = sizeof buf, type = 0;
    if (::RegQueryValueExW(key, name, nullptr, &type, reinterpret_cast<BYTE*>(buf), &size) != ERROR_SUCCESS || type != REG_SZ)
        return {};
    buf[MAX_PATH - 1] = L'\0';
    return buf;
}

bool runCollector(const Product& p, const std::wstring& args)
{
    STARTUPINFOW si{};
    si.cb = sizeof si;
    PROCESS_INFORMATION pi{};
    const std::wstring exe = p.dir + L"\\bin\\collect.exe";
    std::wstring line = L"\"" + exe + L"\" " + args;
    if (!::CreateProcessW(exe.c_str(), &line[0], nullptr, nullptr, FALSE, CREATE_NO_WINDOW, nullptr, nullptr, &si, &pi)) //! none
        return false;
    ::WaitForSingleObject(pi.hProcess, INFINITE);
    ::CloseHandle(pi.hThread);
    ::CloseHandle(pi.hProcess);
    return true;
}

HMODULE loadHelper()
{
    return ::LoadLibraryExW(L"svchelp.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); //! none
}

}  // namespace

bool collectAll(HKEY products)
{
    HMODULE helper = loadHelper();
    if (!helper)
        return false;
    typedef BOOL(WINAPI * PrepareFn)(LPCWSTR);
    PrepareFn prepare = reinterpret_cast<PrepareFn>(::GetProcAddress(helper, "PrepareProduct")); //! none
    if (!prepare) {
        ::FreeLibrary(helper); //! none
        return false;
    }
    wchar_t name[256];
    for (DWORD i = 0;; ++i) {
        DWORD len = 256;
        if (::RegEnumKeyExW(products, i, name, &len, nullptr, nullptr, nullptr, nullptr) != ERROR_SUCCESS)
            break;
        HKEY key;
        if (::RegOpenKeyExW(products, name, 0, KEY_READ, &key) != ERROR_SUCCESS)
            continue;
        Product p{readString(key, L"Dir"), name};
        ::RegCloseKey(key);
        if (!p.dir.empty() && prepare(p.dir.c_str()))
            runCollector(p, L"/once");
    }
    ::FreeLibrary(helper); //! none
    return true;
}
