// Names of libraries that reach a Windows program from outside.
#include <windows.h>
#include <shellapi.h>
#include <string>
#include <vector>

struct Settings { std::wstring engine; std::wstring dir; };

static Settings g_settings;

void readRegistry()
{
    wchar_t text[260];
    DWORD size = sizeof text;
    if (RegGetValueW(HKEY_CURRENT_USER, L"Software\\Host", L"Engine", RRF_RT_REG_SZ, nullptr, text, &size) == ERROR_SUCCESS)
        g_settings.engine = text;
}

HMODULE startEngine()
{
    return LoadLibraryW(g_settings.engine.c_str()); //! CWE-114/426/427/73/15/454
}

HMODULE fromIni()
{
    char path[MAX_PATH];
    GetPrivateProfileStringA("filters", "module", "", path, sizeof path, ".\\host.ini");
    return LoadLibraryA(path); //! CWE-114/426/427/73
}

HMODULE fromCommandLine()
{
    int n = 0;
    LPWSTR *args = CommandLineToArgvW(GetCommandLineW(), &n);
    HMODULE m = nullptr;
    if (args && n > 1)
        m = LoadLibraryW(args[1]); //! CWE-114/426/73
    LocalFree(args);
    return m;
}

HMODULE fromPipe(HANDLE pipe)
{
    wchar_t name[260];
    DWORD got = 0;
    if (!ReadFile(pipe, name, sizeof name - sizeof(wchar_t), &got, nullptr))
        return nullptr;
    name[got / sizeof(wchar_t)] = 0;
    return LoadLibraryExW(name, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32); //! CWE-114/73/22/829
}

struct Request { DWORD size; wchar_t module[128]; };

HMODULE fromPipeRecord(HANDLE pipe)
{
    Request r{};
    DWORD got = 0;
    if (!ReadFile(pipe, &r, sizeof r, &got, nullptr) || got != sizeof r)
        return nullptr;
    r.module[127] = 0;
    return LoadLibraryW(r.module); //! CWE-114/73/22/829
}

LRESULT CALLBACK windowProc(HWND w, UINT msg, WPARAM wp, LPARAM lp)
{
    if (msg == WM_COPYDATA) {
        auto *data = reinterpret_cast<COPYDATASTRUCT *>(lp);
        const wchar_t *path = static_cast<const wchar_t *>(data->lpData);
        return LoadLibraryW(path) != nullptr;
    }
    return DefWindowProcW(w, msg, wp, lp);
}

class Server : public IHostServer {
public:
    STDMETHODIMP LoadModule(BSTR path) override
    {
        m_module = LoadLibraryW(path);
        return m_module ? S_OK : E_FAIL;
    }
private:
    HMODULE m_module = nullptr;
};

HMODULE fromEnvironment()
{
    wchar_t dir[200];
    if (!GetEnvironmentVariableW(L"HOST_PLUGINS", dir, 200))
        return nullptr;
    std::wstring path = std::wstring(dir) + L"\\render.dll";
    return LoadLibraryW(path.c_str());
}

static const wchar_t *const known[] = {L"C:\\Program Files\\Host\\a.dll", L"C:\\Program Files\\Host\\b.dll"};

HMODULE fromTable(HANDLE pipe)
{
    DWORD index = 0, got = 0;
    if (!ReadFile(pipe, &index, sizeof index, &got, nullptr) || got != sizeof index || index >= 2)
        return nullptr;
    return LoadLibraryW(known[index]); //! none
}

FARPROC nameOfClient(HMODULE m, HANDLE pipe)
{
    char name[64] = {};
    DWORD got = 0;
    if (!ReadFile(pipe, name, sizeof name - 1, &got, nullptr))
        return nullptr;
    return GetProcAddress(m, name);
}

HRESULT byText(const wchar_t *cls, IUnknown **out)
{
    CLSID id;
    if (FAILED(CLSIDFromString(cls, &id)))
        return E_INVALIDARG;
    return CoCreateInstance(id, nullptr, CLSCTX_INPROC_SERVER, IID_IUnknown, (void **)out); //! none CWE-114
}
