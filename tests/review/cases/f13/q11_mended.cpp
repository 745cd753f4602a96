// plugin objects with deleters
#include <dlfcn.h>
#include <memory>
#include <string>
#include <vector>
struct Node { virtual ~Node() {} virtual void tick() = 0; };
class Host {
public:
    ~Host() { stop(); }
    bool add(const std::string &file)
    {
        void *so = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!so)
            return false;
        auto mk = reinterpret_cast<Node *(*)()>(dlsym(so, "make_node"));
        if (!mk) {
            dlclose(so);
            return false;
        }
        Node *n = mk();
        if (!n) {
            dlclose(so);
            return false;
        }  //! none
        nodes_.push_back(std::unique_ptr<Node>(n));
        libs_.push_back(so);
        return true;
    }
    void tick() { for (auto &n : nodes_) n->tick(); }
    void stop()
    {
        nodes_.clear();
        for (void *so : libs_)
            dlclose(so);
        libs_.clear();  //! none
    }
private:
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<void *> libs_;
};
