// What the host gives the library to call hands the function on to a bus; a start that fails leaves it there
#include <windows.h>
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

using Handler = std::function<void(int)>;

class Bus {
public:
    static Bus &get()
    {
        static Bus bus;
        return bus;
    }
    void subscribe(int kind, Handler handler, HMODULE owner)
    {
        auto &list = m_handlers[kind];
        list.push_back({owner, std::move(handler)});
    }
    void drop(HMODULE owner)
    {
        for (auto &kv : m_handlers)
            kv.second.erase(std::remove_if(kv.second.begin(), kv.second.end(),
                                           [owner](const Entry &e) { return e.owner == owner; }),
                            kv.second.end());
    }
    void fire(int kind)
    {
        for (const Entry &e : m_handlers[kind])
            e.handler(kind);
    }

private:
    struct Entry {
        HMODULE owner;
        Handler handler;
    };
    std::map<int, std::vector<Entry>> m_handlers;
};

struct Api {
    int version;
    void (*subscribe)(int kind, void (*fn)(int), HMODULE self);
};

static void apiSubscribe(int kind, void (*fn)(int), HMODULE self)
{
    if (fn)
        Bus::get().subscribe(kind, [fn](int k) { fn(k); }, self);
}

static const Api kApi = {2, apiSubscribe};

typedef BOOL (*Start)(const Api *, HMODULE);

HMODULE openMod(const std::wstring &file)
{
    HMODULE dll = LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (!dll)
        return nullptr;
    const auto start = reinterpret_cast<Start>(GetProcAddress(dll, "Start"));
    if (!start || !start(&kApi, dll)) {
        FreeLibrary(dll); //! CWE-672
        return nullptr;
    }
    return dll;
}

HMODULE openModWhole(const std::wstring &file)
{
    HMODULE dll = LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (!dll)
        return nullptr;
    const auto start = reinterpret_cast<Start>(GetProcAddress(dll, "Start"));
    if (!start || !start(&kApi, dll)) {
        Bus::get().drop(dll);
        FreeLibrary(dll); //! none
        return nullptr;
    }
    return dll;
}
