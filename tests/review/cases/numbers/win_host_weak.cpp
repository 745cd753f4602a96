// a plug-in host for Windows: registry, file names, PE readers
#include <windows.h>
#include <tchar.h>
#include <strsafe.h>
#include <vector>
#include <string>
#include <cstring>
#include <cstdint>
struct Entry { wchar_t path[MAX_PATH]; DWORD flags; };
class Registry {
public:
    bool moduleName(HMODULE m) {
        return GetModuleFileNameW(m, path_, sizeof(path_)) != 0; //! CWE-131/787/120/805/119
    }

    bool value(HKEY key) {
        DWORD size = sizeof(path_), type = 0;
        if (RegQueryValueExW(key, L"Path", nullptr, &type, (LPBYTE)path_, &size) != ERROR_SUCCESS || type != REG_SZ) return false;
        return lstrlenW(path_) > 3;
    }

    void text(const wchar_t *name) {
        wchar_t line[80];
        wsprintfW(line, L"loading %s", name); //! CWE-120/787
        OutputDebugStringW(line);
    }

    void copyBytes(const wchar_t *name) {
        wchar_t out[64];
        StringCchCopyW(out, sizeof(out), name); //! CWE-131/787/120/805/119
        OutputDebugStringW(out);
    }

    void widen(const char *name) {
        wchar_t out[64];
        if (MultiByteToWideChar(CP_UTF8, 0, name, -1, out, sizeof(out)) == 0) return; //! CWE-131/787/120/805/119
        OutputDebugStringW(out);
    }

    wchar_t *duplicate(const wchar_t *s) {
        wchar_t *t = (wchar_t *)malloc(wcslen(s) + 1); //! CWE-131/787
        if (t) wcscpy(t, s);
        return t;
    }

    void appendDll(const TCHAR *name) {
        TCHAR dir[MAX_PATH];
        GetSystemDirectory(dir, MAX_PATH);
        _tcscat(dir, TEXT("\\"));
        _tcscat(dir, name);
        HMODULE m = LoadLibrary(dir);
        if (m) FreeLibrary(m);
    }
    void moveBytes(const wchar_t *from) {
        wchar_t to[32];
        memcpy(to, from, wcslen(from)); //! CWE-787/131/170/120
        OutputDebugStringW(to);
    }
private:
    wchar_t path_[MAX_PATH];
};
struct Image { const BYTE *base; DWORD size; };
const IMAGE_NT_HEADERS *nt(const Image &im) {
    auto dos = (const IMAGE_DOS_HEADER *)im.base;
    return (const IMAGE_NT_HEADERS *)(im.base + dos->e_lfanew); //! CWE-125/823/119
}

bool copySection(const Image &im, const IMAGE_SECTION_HEADER *s, std::vector<BYTE> &out) {
    if (s->PointerToRawData + s->SizeOfRawData > im.size) return false;
    out.resize(s->SizeOfRawData);
    memcpy(out.data(), im.base + s->PointerToRawData, s->SizeOfRawData);
    return true;
}

bool mapSections(const Image &im, BYTE *image, const IMAGE_NT_HEADERS *h) {
    auto s = IMAGE_FIRST_SECTION(h);
    for (WORD i = 0; i < h->FileHeader.NumberOfSections; i++, s++)
        memcpy(image + s->VirtualAddress, im.base + s->PointerToRawData, s->SizeOfRawData); //! CWE-787/125/119
    return true;
}
FARPROC byOrdinal(const Image &im, const IMAGE_EXPORT_DIRECTORY *e, WORD ordinal) {
    auto functions = (const DWORD *)(im.base + e->AddressOfFunctions);
    return (FARPROC)(im.base + functions[ordinal - e->Base]);
}

bool readPipe(HANDLE pipe, Entry &entry) {
    DWORD length = 0, got = 0;
    if (!ReadFile(pipe, &length, sizeof length, &got, nullptr) || got != sizeof length) return false;
    return ReadFile(pipe, entry.path, length, &got, nullptr) != 0; //! CWE-787/120
}

bool pipeText(HANDLE pipe) {
    char buf[256]; DWORD got = 0;
    if (!ReadFile(pipe, buf, sizeof(buf), &got, nullptr)) return false;
    buf[got] = 0; //! CWE-787/193
    OutputDebugStringA(buf);
    return true;
}

int wmain(int argc, wchar_t **argv) {
    HMODULE m = LoadLibraryExW(L"C:\\Program Files\\H\\core.dll", nullptr, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (!m) return 1;
    Registry r; HKEY key; Entry entry{};
    if (RegOpenKeyExW(HKEY_CURRENT_USER, L"Software\\H", 0, KEY_READ, &key) != ERROR_SUCCESS) return 1;
    r.moduleName(m); r.moduleNameOk(m); r.value(key); r.valueOk(key); r.text(argv[1]); r.textOk(argv[1]); r.copyBytes(argv[1]); r.copyBytesOk(argv[1]);
    r.widen(GetCommandLineA()); r.widenOk(GetCommandLineA()); free(r.duplicate(argv[1])); free(r.duplicateOk(argv[1])); r.appendDll(argv[1]); r.moveBytes(argv[1]);
    HANDLE f = CreateFileW(argv[1], GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    HANDLE map = CreateFileMappingW(f, nullptr, PAGE_READONLY, 0, 0, nullptr);
    Image im = { (const BYTE *)MapViewOfFile(map, FILE_MAP_READ, 0, 0, 0), GetFileSize(f, nullptr) };
    if (!im.base) return 1;
    std::vector<BYTE> out; auto h = nt(im); auto h2 = ntOk(im);
    copySection(im, IMAGE_FIRST_SECTION(h), out); if (h2) copySectionOk(im, IMAGE_FIRST_SECTION(h2), out);
    BYTE *image = (BYTE *)VirtualAlloc(nullptr, h->OptionalHeader.SizeOfImage, MEM_COMMIT, PAGE_READWRITE);
    mapSections(im, image, h);
    auto e = (const IMAGE_EXPORT_DIRECTORY *)(im.base + 512);
    byOrdinal(im, e, 3); byOrdinalOk(im, e, 3);
    readPipe(f, entry); readPipeOk(f, entry); pipeText(f); pipeTextOk(f);
    FreeLibrary(m);
    return 0;
}
