// Window shell: themes from DLLs
#include <windows.h>
#include <string>
#include <vector>
class Theme {
public:
    Theme() : mod_(nullptr), apply_(nullptr) {}
    ~Theme() { if (mod_) FreeLibrary(mod_); }
    Theme(const Theme &) = delete;
    Theme &operator=(const Theme &) = delete;
    Theme(Theme &&o) noexcept : mod_(o.mod_), apply_(o.apply_) { o.mod_ = nullptr; o.apply_ = nullptr; }  //! none
    bool load(const std::wstring &file);
    int apply(HWND w) const { return apply_ ? apply_(w) : -1; }
private:
    typedef int (WINAPI *ApplyFn)(HWND);
    HMODULE mod_;
    ApplyFn apply_;
};
bool Theme::load(const std::wstring &file)
{
    HMODULE m = LoadLibraryExW(file.c_str(), NULL, LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR);
    if (!m)
        return false;
    apply_ = (ApplyFn)GetProcAddress(m, "ThemeApply");
    if (!apply_) {
        FreeLibrary(m);
        return false;
    }
    mod_ = m;
    return true;
}
class Shell {
public:
    void add(const std::wstring &file)
    {
        Theme t;
        if (t.load(file))
            themes_.push_back(std::move(t));  //! none
    }
    void run(HWND w) { for (auto &t : themes_) t.apply(w); }
private:
    std::vector<Theme> themes_;
};
