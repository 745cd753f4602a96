#include <dlfcn.h>
#include <mutex>
#include <utility>
struct Account { std::mutex m; int n = 0; void *lib = nullptr; };
void swap_bad(Account &a, Account &b) {
    std::lock_guard<std::mutex> one(a.m);
    std::lock_guard<std::mutex> two(b.m); //! CWE-833
    std::swap(a.lib, b.lib);
}
void swap_good(Account &a, Account &b) {
    std::scoped_lock both(a.m, b.m);
    std::swap(a.lib, b.lib);
}
void swap_lock(Account &a, Account &b) {
    std::lock(a.m, b.m);
    std::lock_guard<std::mutex> one(a.m, std::adopt_lock);
    std::lock_guard<std::mutex> two(b.m, std::adopt_lock);
    std::swap(a.lib, b.lib);
}
void open(Account &a) { a.lib = dlopen("/usr/lib/a.so", RTLD_NOW); if (!a.lib) throw 1; }
