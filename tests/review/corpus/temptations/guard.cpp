#include <dlfcn.h>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

class ScopeGuard {
public:
    explicit ScopeGuard(std::function<void()> f) : f_(std::move(f)) {}
    ~ScopeGuard() { if (f_) f_(); }
    void dismiss() { f_ = nullptr; }
private:
    std::function<void()> f_;
};

using Handle = std::shared_ptr<void>;

static std::vector<Handle> handles;

int keep(const char *)
{
    Handle h(dlopen("/usr/lib/a.so", RTLD_NOW), [](void *p) { if (p) dlclose(p); });
    if (!h)
        return -1;
    auto init = reinterpret_cast<int (*)()>(dlsym(h.get(), "init"));
    if (init == nullptr)
        return -2;
    int rc = init();
    handles.push_back(std::move(h));
    return rc;
}
