#pragma once
#include <dlfcn.h>

class Engine {  //! CWE-415/CWE-675/CWE-672
public:
    explicit Engine(const char *path) : library(dlopen(path, RTLD_NOW)) {}  //! CWE-114
    ~Engine() { if (library) dlclose(library); }
    bool works() const { return library != nullptr; }

private:
    void *library;
};

#ifdef __cplusplus
inline void *second_engine(const char *path) { return dlopen(path, RTLD_NOW); }  //! CWE-114
#endif
