#include <dlfcn.h>
#include <mutex>
static std::mutex a, b;
static void *h; static int n;
void one() { std::lock_guard<std::mutex> x(a); std::lock_guard<std::mutex> y(b); n++; }
bool two() {
    std::lock_guard<std::mutex> x(b);
    std::unique_lock<std::mutex> y(a, std::try_to_lock); //! none CWE-833
    if (!y.owns_lock()) return false;
    n--;
    return true;
}
bool three() {
    std::lock_guard<std::mutex> x(b);
    if (!a.try_lock()) return false; //! none CWE-833
    n--;
    a.unlock();
    return true;
}
int load(void) { h = dlopen("libx.so.1", RTLD_NOW); return h ? 0 : -1; }
