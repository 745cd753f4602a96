// A manager whose method opens the library stands for one thing; nothing here copies one.
#include <dlfcn.h>

class Mixer { //! none
public:
    ~Mixer()
    {
        if (library_)
            dlclose(library_);
    }
    bool open()
    {
        library_ = dlopen("/usr/lib/deck/mixer.so", RTLD_NOW);
        return library_ != nullptr;
    }

private:
    void *library_ = nullptr;
};

class Value { //! CWE-415
public:
    explicit Value(void *handle) : library_(handle) {}
    ~Value()
    {
        if (library_)
            dlclose(library_);
    }
    void *find(const char *name) const { return dlsym(library_, name); }

private:
    void *library_;
};
