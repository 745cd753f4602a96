// An object of a library is a local that ends after the library, or is handed out of the function that closes it.
#include <dlfcn.h>
#include <memory>
#include <stdexcept>

struct Codec {
    virtual ~Codec() = default;
    virtual int run(int) = 0;
};

class Library {
public:
    explicit Library(const char *path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL))
    {
        if (!handle_)
            throw std::runtime_error("no library");
    }
    Library(const Library &) = delete;
    ~Library() { dlclose(handle_); }
    std::unique_ptr<Codec> make() const
    {
        auto create = reinterpret_cast<Codec *(*)()>(dlsym(handle_, "create"));
        return std::unique_ptr<Codec>(create ? create() : nullptr);
    }

private:
    void *handle_;
};

int once(const char *path)
{
    std::unique_ptr<Codec> codec;
    Library library(path); //! CWE-416
    codec = library.make();
    return codec ? codec->run(1) : -1;
}

int rightly(const char *path)
{
    Library library(path); //! none
    std::unique_ptr<Codec> codec = library.make();
    return codec ? codec->run(1) : -1;
}

std::unique_ptr<Codec> made(const char *path)
{
    Library library(path);
    return library.make(); //! CWE-416
}
