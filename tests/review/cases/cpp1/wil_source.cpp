// WIL: its macros are tests, its holders release what they hold
#include <wil/resource.h>
#include <wil/result.h>

using CreateFn = HRESULT(__stdcall *)(void **out);

void *OpenSource(PCWSTR path)
{
    wil::unique_hmodule module(::LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32)); //! none
    THROW_LAST_ERROR_IF_NULL(module.get());
    auto create = reinterpret_cast<CreateFn>(::GetProcAddress(module.get(), "CreateSource"));
    THROW_LAST_ERROR_IF_NULL(create);
    void *source = nullptr;
    THROW_IF_FAILED(create(&source)); //! none
    module.release();
    return source;
}

void *OpenBlindly(PCWSTR path)
{
    wil::unique_hmodule module(::LoadLibraryExW(path, nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32));
    THROW_HR_IF(E_FAIL, module.get() == nullptr);
    auto create = reinterpret_cast<CreateFn>(::GetProcAddress(module.get(), "CreateSource"));
    void *source = nullptr;
    THROW_IF_FAILED(create(&source)); //! CWE-690
    module.release();
    return source;
}
