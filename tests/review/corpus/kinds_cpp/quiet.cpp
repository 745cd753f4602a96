// Nothing here: a static's first value, a range-for's own name, a path that cannot be null, a QObject, operator bool
#include <QObject>
#include <QPluginLoader>
#include <dlfcn.h>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;

class Library {
public:
    static std::shared_ptr<Library> open(const fs::path &given)
    {
        static std::mutex m;
        static std::map<std::string, std::weak_ptr<Library>> known;
        const fs::path path = fs::weakly_canonical(given);

        std::lock_guard<std::mutex> g(m);
        if (auto have = known[path.string()].lock())
            return have;
        std::shared_ptr<Library> lib(new Library(path));
        known[path.string()] = lib;
        return lib;
    }
    ~Library()
    {
        if (handle_)
            dlclose(handle_);
    }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;

private:
    explicit Library(const fs::path &p) : handle_(dlopen(p.c_str(), RTLD_NOW | RTLD_LOCAL))
    {
        if (!handle_)
            throw std::runtime_error(dlerror());
    }
    void *handle_;
};

class Host : public QObject
{
    Q_OBJECT
public:
    ~Host() override { m_loader->unload(); }

private:
    QPluginLoader *m_loader = nullptr;
};

template <class F> class Optional {
public:
    Optional(void *h, const char *name) { f_ = reinterpret_cast<F *>(dlsym(h, name)); }
    explicit operator bool() const { return f_ != nullptr; }
    template <class... A> auto operator()(A... a) const { return f_(a...); }

private:
    F *f_ = nullptr;
};
