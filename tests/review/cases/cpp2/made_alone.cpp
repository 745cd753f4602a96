// What a constructor calls works on an object that nobody else has yet; what it calls after it starts a thread does not
#include <dlfcn.h>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

typedef double (*Price)(long);

class Host {
public:
    explicit Host(std::string file) : m_file(std::move(file)) { load(); }
    ~Host() { dlclose(m_lib); }
    Host(const Host &) = delete;
    Host &operator=(const Host &) = delete;
    double price(long id)
    {
        std::lock_guard<std::mutex> guard(m_mutex);
        return m_price(id);
    }
    void reload()
    {
        std::lock_guard<std::mutex> guard(m_mutex);
        dlclose(m_lib);
        load();
    }

private:
    void load()
    {
        m_lib = dlopen(m_file.c_str(), RTLD_NOW); //! none
        if (!m_lib)
            throw std::runtime_error(dlerror());
        m_price = reinterpret_cast<Price>(dlsym(m_lib, "price")); //! none
        if (!m_price)
            throw std::runtime_error("no price");
    }
    std::string m_file;
    std::mutex m_mutex;
    void *m_lib = nullptr;
    Price m_price = nullptr;
};
