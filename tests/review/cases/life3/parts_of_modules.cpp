#include <windows.h>

#include <objbase.h>

#include <string>

static HMODULE strings()
{
    return LoadLibraryExW(L"C:\\Program Files\\App\\strings.dll", nullptr, LOAD_LIBRARY_AS_DATAFILE);
}

// With a size of zero LoadString gives the address of the text in the module.
std::wstring late_text()
{
    HMODULE module = strings();
    if (!module)
        return L"";
    wchar_t *text = nullptr;
    int length = LoadStringW(module, 4, reinterpret_cast<LPWSTR>(&text), 0);
    FreeLibrary(module);
    return length > 0 ? std::wstring(text, length) : L""; //! CWE-672
}

std::wstring text_in_time()
{
    HMODULE module = strings();
    if (!module)
        return L"";
    wchar_t *text = nullptr;
    int length = LoadStringW(module, 4, reinterpret_cast<LPWSTR>(&text), 0);
    std::wstring copy = length > 0 ? std::wstring(text, length) : L"";
    FreeLibrary(module);
    return copy; //! none
}

const void *late_resource()
{
    HMODULE module = strings();
    if (!module)
        return nullptr;
    HRSRC found = FindResourceW(module, MAKEINTRESOURCEW(3), RT_RCDATA);
    HGLOBAL loaded = found ? LoadResource(module, found) : nullptr;
    const void *bytes = loaded ? LockResource(loaded) : nullptr;
    FreeLibrary(module);
    return bytes; //! CWE-672
}

typedef HRESULT(WINAPI *make_fn)(REFIID, void **);

IUnknown *late_object(REFIID iid)
{
    HMODULE module = LoadLibraryExW(L"C:\\Program Files\\App\\maker.dll", nullptr, 0);
    if (!module)
        return nullptr;
    IUnknown *made = nullptr;
    auto make = reinterpret_cast<make_fn>(GetProcAddress(module, "Make"));
    if (!make || FAILED(make(iid, reinterpret_cast<void **>(&made))))
        made = nullptr;
    FreeLibrary(module);
    return made; //! CWE-416
}

// What is given to a string is copied.
std::wstring reason(DWORD code)
{
    HMODULE module = strings();
    LPWSTR text = nullptr;
    FormatMessageW(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_HMODULE, module, code, 0,
                   reinterpret_cast<LPWSTR>(&text), 0, nullptr);
    std::wstring said = text ? text : L"";
    LocalFree(text);
    if (module)
        FreeLibrary(module);
    return said; //! none
}

std::wstring path_of(IPersistFile *file)
{
    LPOLESTR text = nullptr;
    if (FAILED(file->GetCurFile(&text)))
        return L"";
    std::wstring path = text;
    free(text); //! CWE-763
    return path;
}

std::wstring path_well(IPersistFile *file)
{
    LPOLESTR text = nullptr;
    if (FAILED(file->GetCurFile(&text)))
        return L"";
    std::wstring path = text;
    CoTaskMemFree(text); //! none
    return path;
}
