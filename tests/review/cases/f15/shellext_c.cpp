// shellext: loads the preview back end once and keeps it.
#include <windows.h>

#include <memory>
#include <string>
#include <type_traits>

namespace {

struct FreeModule {
    void operator()(HMODULE m) const noexcept { ::FreeLibrary(m); } //! none
};
using ModulePtr = std::unique_ptr<std::remove_pointer_t<HMODULE>, FreeModule>;

using PreviewFn = HRESULT(WINAPI*)(HWND, LPCWSTR);

class Backend {
public:
    static Backend& get()
    {
        static Backend b;
        return b;
    }
    HRESULT preview(HWND w, LPCWSTR file) const { return fn_ ? fn_(w, file) : E_NOTIMPL; }

private:
    Backend()
    {
        wchar_t dir[MAX_PATH];
        const UINT n = ::GetSystemDirectoryW(dir, MAX_PATH);
        if (n == 0 || n >= MAX_PATH)
            return;
        const std::wstring file = std::wstring(dir, n) + L"\\prevback.dll";
        mod_.reset(::LoadLibraryExW(file.c_str(), nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)); //! none
        if (mod_)
            fn_ = reinterpret_cast<PreviewFn>(::GetProcAddress(mod_.get(), "PreviewFile")); //! none
    }
    ModulePtr mod_;
    PreviewFn fn_ = nullptr;
};

}  // namespace

extern "C" HRESULT WINAPI ShowPreview(HWND w, LPCWSTR file)
{
    return Backend::get().preview(w, file);
}
