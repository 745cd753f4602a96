// What a call has just got from its own library is nobody else's: no lock is needed to look at it.
#include <dlfcn.h>

#include <memory>
#include <mutex>
#include <string>

struct Table {
    int abi;
    void (*handle)(void *);
};

std::mutex all;

std::shared_ptr<void> open(const std::string &path) {
    void *library = dlopen(path.c_str(), RTLD_NOW);
    if (library == nullptr)
        return nullptr;
    auto *table = static_cast<const Table *>(dlsym(library, "table"));
    if (table == nullptr || table->abi != 6 || !table->handle) {  //! none CWE-362
        dlclose(library);
        return nullptr;
    }
    if (!table->handle)
        return nullptr;
    std::shared_ptr<void> kept(library, dlclose);
    return kept;
}
