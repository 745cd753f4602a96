// vstbox: a rack of audio plug-in DLLs.
#include <windows.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace vstbox {

struct IVoice {
    virtual ~IVoice() = default;
    virtual void process(float** io, int frames) = 0;
};

using MakeVoice = IVoice*(__cdecl*)(int rate);

class Dll {
public:
    Dll() = default;
    explicit Dll(const std::wstring& path)
        : h_(::LoadLibraryExW(path.c_str(), nullptr, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32)) //! none
    {
    }
    ~Dll()
    {
        if (h_)
            ::FreeLibrary(h_); //! none
    }
    Dll(const Dll&) = delete;
    Dll& operator=(const Dll&) = delete;
    Dll(Dll&& other) noexcept : h_(std::exchange(other.h_, nullptr)) {}
    explicit operator bool() const { return h_ != nullptr; }
    FARPROC entry(const char* name) const { return ::GetProcAddress(h_, name); } //! none

private:
    HMODULE h_ = nullptr;
};

class Rack {
public:
    bool add(const std::wstring& path, int rate)
    {
        Dll dll(path);
        if (!dll)
            return false;
        auto make = reinterpret_cast<MakeVoice>(dll.entry("MakeVoice"));
        if (!make)
            return false;
        std::unique_ptr<IVoice> v(make(rate));
        if (!v)
            return false;
        dlls_.push_back(std::move(dll));
        voices_.push_back(std::move(v));
        return true;
    }

    void process(float** io, int frames)
    {
        for (auto& v : voices_)
            v->process(io, frames);
    }

private:
    std::vector<Dll> dlls_;
    std::vector<std::unique_ptr<IVoice>> voices_;
};

}  // namespace vstbox
