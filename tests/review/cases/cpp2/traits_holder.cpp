// A handle whose kind a template's argument names is held, tested by its conversion, and closed by a whole member
#include <windows.h>
#include <system_error>
#include <thread>
#include <utility>

template <typename Traits>
class unique_any {
public:
    using value_type = typename Traits::type;
    explicit unique_any(value_type value = Traits::invalid()) noexcept : m_value(value) {}
    unique_any(unique_any &&other) noexcept : m_value(std::exchange(other.m_value, Traits::invalid())) {}
    unique_any(const unique_any &) = delete;
    unique_any &operator=(const unique_any &) = delete;
    ~unique_any()
    {
        if (m_value != Traits::invalid())
            Traits::close(m_value);
    }
    value_type get() const noexcept { return m_value; }
    explicit operator bool() const noexcept { return m_value != Traits::invalid(); }

private:
    value_type m_value;
};

struct module_traits {
    using type = HMODULE;
    static type invalid() noexcept { return nullptr; }
    static void close(type h) noexcept { ::FreeLibrary(h); }
};
using unique_module = unique_any<module_traits>;

template <typename Fn>
Fn *proc(const unique_module &module, const char *name) noexcept
{
    return module ? reinterpret_cast<Fn *>(::GetProcAddress(module.get(), name)) : nullptr;
}

inline unique_module system_module(const wchar_t *leaf) noexcept
{
    return unique_module(::LoadLibraryExW(leaf, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)); //! none
}

class Dumper {
public:
    Dumper() : m_dll(system_module(L"dbghelp.dll")), m_write(proc<BOOL(HANDLE)>(m_dll, "WriteIt")) //! none
    {
        if (!m_write)
            throw std::system_error(static_cast<int>(::GetLastError()), std::system_category());
        m_worker = std::thread([this] { run(); });
    }
    ~Dumper() { m_worker.join(); }

private:
    void run();
    unique_module m_dll;
    BOOL (*m_write)(HANDLE);
    std::thread m_worker;
};
