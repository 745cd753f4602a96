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
std::unique_ptr<Decoder> make(const std::string &path)
{
    SharedObject so(path);
    auto create = reinterpret_cast<Decoder *(*)()>(so.sym("create_decoder"));
    if (!create)
        return nullptr;
    return std::unique_ptr<Decoder>(create());  //! CWE-416
}
class Registry {
public:
    int known(const std::string &e)
    {
        auto it = map_.find(e);
        return it == map_.end() ? -1 : it->second;
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
