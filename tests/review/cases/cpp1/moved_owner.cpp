// An owner that is moved is not opened anew, a temporary one is made once, and a lookup's caller tests it
#include <dlfcn.h>
#include <optional>
#include <string>
#include <utility>

class Lib {
public:
    Lib() = default;
    explicit Lib(const char *file) : h_(::dlopen(file, RTLD_LAZY)) {}
    ~Lib() { if (h_) ::dlclose(h_); }
    Lib(Lib &&o) noexcept : h_(std::exchange(o.h_, nullptr)) {}
    Lib(const Lib &) = delete;
    explicit operator bool() const { return h_ != nullptr; }
    template <class F> F *sym(const char *name) const { return reinterpret_cast<F *>(::dlsym(h_, name)); } //! none

private:
    void *h_ = nullptr;
};

class Solver {
public:
    static std::optional<Solver> find();
    int run() const { return run_(); }

private:
    Solver(Lib lib, int (*run)()) : lib_(std::move(lib)), run_(run) {} //! none
    Lib lib_;
    int (*run_)();
};

std::optional<Solver> Solver::find()
{
    Lib lib("/usr/lib/solvers/simplex.so");
    if (!lib)
        return std::nullopt;
    auto *run = lib.sym<int()>("solve");
    if (!run)
        return std::nullopt;
    return Solver(std::move(lib), run); //! none
}

bool present() { return static_cast<bool>(Lib("/usr/lib/solvers/interior.so")); } //! none
