// Modules that agree to start stay on purpose; an owner whose type is deduced keeps what its object was given
#include <dlfcn.h>
#include <memory>
#include <string>
#include <vector>

typedef bool (*Start)(int);

void startAll(const std::vector<std::string> &files)
{
    for (const std::string &file : files) {
        void *lib = dlopen(("/usr/lib/quern/" + file).c_str(), RTLD_NOW); //! none CWE-772
        if (!lib)
            continue;
        const auto start = reinterpret_cast<Start>(dlsym(lib, "start")); //! none
        if (!start || !start(3))
            dlclose(lib); //! none
    }
}

class Driver {
public:
    explicit Driver(void *lib) : m_lib(lib) {}
    ~Driver() { dlclose(m_lib); }
    Driver(const Driver &) = delete;
    Driver &operator=(const Driver &) = delete;
    bool bind() { return (m_start = reinterpret_cast<Start>(dlsym(m_lib, "start"))) != nullptr; }

private:
    void *m_lib;
    Start m_start = nullptr;
};

std::shared_ptr<Driver> openDriver(const char *file)
{
    void *lib = dlopen(file, RTLD_NOW);
    if (lib == nullptr)
        return nullptr;
    auto driver = std::shared_ptr<Driver>(new Driver(lib));
    if (!driver->bind())
        return nullptr; //! none
    return driver;
}
