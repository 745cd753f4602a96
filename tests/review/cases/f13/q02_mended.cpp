// image service: decoders by extension
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
struct Decoder { virtual ~Decoder() {} virtual int decode(const char *) = 0; };
class SharedObject {
public:
    explicit SharedObject(const std::string &p) : h_(dlopen(p.c_str(), RTLD_NOW)) { if (!h_) throw std::runtime_error(dlerror()); }
    ~SharedObject() { dlclose(h_); }
    SharedObject(const SharedObject &) = delete;
    SharedObject &operator=(const SharedObject &) = delete;
    void *sym(const char *n) const { return dlsym(h_, n); }
private:
    void *h_;
};
struct Loaded {
    std::shared_ptr<SharedObject> so;
    std::unique_ptr<Decoder> dec;
};
Loaded make(const std::string &path)
{
    Loaded l;
    l.so = std::make_shared<SharedObject>(path);
    auto create = reinterpret_cast<Decoder *(*)()>(l.so->sym("create_decoder"));
    if (create)
        l.dec.reset(create());
    return l;
}  //! none
class Registry {
public:
    int known(const std::string &e)
    {
        std::lock_guard<std::mutex> g(m_);
        auto it = map_.find(e);
        return it == map_.end() ? -1 : it->second;  //! none
    }
    void learn(const std::string &e, int q)
    {
        std::lock_guard<std::mutex> g(m_);
        map_[e] = q;
    }
    void forget(const std::string &e)
    {
        std::lock_guard<std::mutex> g(m_);
        map_.erase(e);
    }
private:
    std::mutex m_;
    std::map<std::string, int> map_;
};
