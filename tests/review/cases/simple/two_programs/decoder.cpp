// A decoder that loads what it is given: a member of another program's struct, of the same name, is not it.
#include <dlfcn.h>
#include <stdexcept>
#include <string>

class Decoder {
public:
    explicit Decoder(const std::string &path);
    ~Decoder() { dlclose(library_); }
    Decoder(const Decoder &) = delete;
    Decoder &operator=(const Decoder &) = delete;

private:
    void *library_;
};

Decoder::Decoder(const std::string &path) : library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) //! none CWE-73 CWE-114
{
    if (library_ == nullptr)
        throw std::runtime_error(dlerror());
}

void warm_up()
{
    Decoder png("/usr/lib/suite/png.so");
}
