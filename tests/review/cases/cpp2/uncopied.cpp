// Objects that the file makes on the heap or in place, and that nothing in it copies
#include <windows.h>
#include <memory>
#include <string>
#include <vector>

class Addon {
    HMODULE m_dll = nullptr; //! none

public:
    explicit Addon(const std::wstring &file) : m_dll(LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Addon()
    {
        if (m_dll)
            FreeLibrary(m_dll); //! none
    }
    bool works() const { return m_dll != nullptr; }
};

class Addons {
public:
    void add(const std::wstring &file) { m_all.push_back(std::make_unique<Addon>(file)); }

private:
    std::vector<std::unique_ptr<Addon>> m_all;
};

class Codec { //! CWE-415
    HMODULE m_dll = nullptr;

public:
    explicit Codec(const std::wstring &file) : m_dll(LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Codec()
    {
        if (m_dll)
            FreeLibrary(m_dll);
    }
    bool works() const { return m_dll != nullptr; }
};

Codec find_codec(const std::wstring &file)
{
    return Codec(file);
}

class Probe { //! none
    HMODULE m_dll = nullptr;

public:
    explicit Probe(const std::wstring &file) : m_dll(LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)) {}
    ~Probe()
    {
        if (m_dll)
            FreeLibrary(m_dll);
    }
    bool works() const { return m_dll != nullptr; }
};

bool try_probe(const std::wstring &file)
{
    Probe probe(file);
    return probe.works();
}
