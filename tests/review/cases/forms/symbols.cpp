// One weakness, a symbol that is called without a test, and its repair (`g`), in the forms that C++ gives it.
#include <dlfcn.h>
#include <bit>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
using Entry = int (*)(int);
struct Ops { Entry init = nullptr; Entry stop = nullptr; void *handle = nullptr; };
int known(int);

int a1(void *h) { auto fp = reinterpret_cast<Entry>(dlsym(h, "x"));
    return fp(1); } //! CWE-690
int a2(void *h) { Entry fp{reinterpret_cast<Entry>(dlsym(h, "x"))};
    return fp(1); } //! CWE-690
int a2g(void *h) { Entry fp{reinterpret_cast<Entry>(dlsym(h, "x"))}; //! none CWE-252
    if (fp == nullptr) return -1;
    return fp(1); } //! none CWE-690
int a3(void *h) { Entry fp(reinterpret_cast<Entry>(dlsym(h, "x")));
    return fp(1); } //! CWE-690
int a4(void *h) { auto fp = std::bit_cast<Entry>(dlsym(h, "x"));
    return fp(1); }
int a4g(void *h) { auto fp = std::bit_cast<Entry>(dlsym(h, "x")); //! none CWE-252
    return fp ? fp(1) : -1; } //! none CWE-690
int a5(void *h) { decltype(&known) fp = reinterpret_cast<decltype(&known)>(dlsym(h, "x"));
    return fp(1); } //! CWE-690
int a6(void *h) { std::function<int(int)> fp = reinterpret_cast<Entry>(dlsym(h, "x"));
    return fp(1); } //! CWE-690
int a6g(void *h) { std::function<int(int)> fp = reinterpret_cast<Entry>(dlsym(h, "x")); //! none CWE-252
    if (!fp) return -1;
    return fp(1); } //! none CWE-690
template <class F> F symbol(void *h, const char *name) { return reinterpret_cast<F>(dlsym(h, name)); }
int a7(void *h) { auto fp = symbol<Entry>(h, "x");
    return fp(1); } //! CWE-690
int a7g(void *h) { auto fp = symbol<Entry>(h, "x"); //! none CWE-252
    if (!fp) throw std::runtime_error("x");
    return fp(1); } //! none CWE-690
int a7b(void *h) {
    return symbol<Entry>(h, "x")(1); } //! CWE-690
template <class F> F needed(void *h, const char *name) { void *s = dlsym(h, name); if (!s) throw std::runtime_error(name); return reinterpret_cast<F>(s); } //! none CWE-252
int a8(void *h) {
    return needed<Entry>(h, "x")(1); } //! none CWE-690
int a9(void *h) { auto get = [&](const char *n) { return reinterpret_cast<Entry>(dlsym(h, n)); };
    return get("x")(1); }
int a9g(void *h) { auto get = [&](const char *n) { auto p = reinterpret_cast<Entry>(dlsym(h, n)); if (!p) throw std::runtime_error(n); return p; }; //! none CWE-252
    return get("x")(1); } //! none CWE-690
int a10(const char *path) { std::unique_ptr<void, decltype(&dlclose)> lib(dlopen(path, RTLD_NOW), &dlclose);
    auto fp = reinterpret_cast<Entry>(dlsym(lib.get(), "x"));
    return fp ? fp(1) : -1; }
Entry a11(const char *path) { std::unique_ptr<void, decltype(&dlclose)> lib(dlopen(path, RTLD_NOW), &dlclose);
    if (!lib) return nullptr;
    return reinterpret_cast<Entry>(dlsym(lib.get(), "x")); } //! CWE-416
int a12(void *h) { Ops o{reinterpret_cast<Entry>(dlsym(h, "i")), reinterpret_cast<Entry>(dlsym(h, "s")), h};
    return o.init(1); } //! CWE-690
int a12g(void *h) { Ops o{reinterpret_cast<Entry>(dlsym(h, "i")), reinterpret_cast<Entry>(dlsym(h, "s")), h}; //! none CWE-252
    if (!o.init || !o.stop) return -1;
    return o.init(1); } //! none CWE-690
int a13(void *h) { Ops o{.init = reinterpret_cast<Entry>(dlsym(h, "i")), .handle = h};
    return o.init(1); } //! CWE-690
int a13g(void *h) { Ops o{.init = reinterpret_cast<Entry>(dlsym(h, "i")), .handle = h}; //! none CWE-252
    return o.init ? o.init(1) : -1; } //! none CWE-690
int a14(void *h) { std::map<std::string, Entry> t; t["x"] = reinterpret_cast<Entry>(dlsym(h, "x"));
    return t["x"](1); } //! CWE-690
int a14g(void *h) { std::map<std::string, Entry> t; if (auto p = reinterpret_cast<Entry>(dlsym(h, "x"))) t["x"] = p; //! none CWE-252
    auto it = t.find("x"); if (it == t.end()) return -1;
    return it->second(1); } //! none CWE-690
int a15(void *h) { std::vector<Entry> t; t.push_back(reinterpret_cast<Entry>(dlsym(h, "x")));
    return t.back()(1); } //! CWE-690
int a16(void *h) { for (auto [name, slot] : std::map<const char *, Entry>{{"a", nullptr}}) { slot = reinterpret_cast<Entry>(dlsym(h, name)); if (!slot) return -1; slot(1); } return 0; } //! none CWE-252
class Plug { public:
    explicit Plug(void *h) : begin_(reinterpret_cast<Entry>(dlsym(h, "i"))) {}
    int run() { return begin_(1); } //! CWE-690
  private: Entry begin_; };
class PlugG { public:
    explicit PlugG(void *h) : init_(reinterpret_cast<Entry>(dlsym(h, "i"))) { if (!init_) throw std::runtime_error("i"); } //! none CWE-252
    int run() { return init_(1); } //! none CWE-690
  private: Entry init_; };
class PlugL { public:
    bool load(void *h) { init_ = reinterpret_cast<Entry>(dlsym(h, "i")); return init_ != nullptr; } //! none CWE-252
    int run() { return init_ ? init_(1) : -1; } //! none CWE-690
  private: Entry init_ = nullptr; };
int a17(void *h) { if (auto fp = reinterpret_cast<Entry>(dlsym(h, "x")); fp != nullptr) return fp(1); return -1; } //! none CWE-252
int a18(void *h) { auto *v = static_cast<int *>(dlsym(h, "v"));
    return *v; } //! CWE-690
int a19(void *h) { auto &v = *static_cast<int *>(dlsym(h, "v")); //! CWE-690
    return v; }
int a20(void *h) { std::shared_ptr<void> keep(h, dlclose); auto make = reinterpret_cast<int *(*)()>(dlsym(keep.get(), "make"));
    return *make(); } //! CWE-690
int a21(void *h) { Entry fp = (Entry)dlsym(h, "x"); //! none CWE-252
    if (!fp) { throw std::runtime_error(dlerror()); }
    return std::invoke(fp, 1); } //! none CWE-690
int a22(void *h) { Entry fp = (Entry)dlsym(h, "x");
    return std::invoke(fp, 1); }
