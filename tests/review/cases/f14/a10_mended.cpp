// double close through move and explicit close
#include <dlfcn.h>
#include <string>
#include <utility>
class Lib {
public:
    Lib() = default;
    explicit Lib(const char *p) : h(dlopen(p, RTLD_NOW)) {}
    Lib(const Lib &) = delete;
    Lib &operator=(const Lib &) = delete;
    Lib(Lib &&o) noexcept : h(std::exchange(o.h, nullptr)) {}  //! none
    ~Lib() { close(); }
    void close()
    {
        if (h)
            dlclose(h);
        h = nullptr;
    }
    void *find(const char *n) const { return h ? dlsym(h, n) : nullptr; }
private:
    void *h = nullptr;
};
int once(const char *p)
{
    Lib a(p);
    Lib b(std::move(a));
    auto f = reinterpret_cast<int (*)()>(b.find("go"));
    int r = f ? f() : -1;
    b.close();
    return r;  //! none
}
