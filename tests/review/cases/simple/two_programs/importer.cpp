// An importer whose file the command line names.
#include <cstdio>
#include <dlfcn.h>
#include <string>

struct Importer {
    std::string path;
    void *library = nullptr;
};

static bool open_it(Importer *one)
{
    one->library = dlopen(one->path.c_str(), RTLD_NOW | RTLD_LOCAL); //! CWE-73 CWE-114
    return one->library != nullptr;
}

int main(int argc, char **argv)
{
    Importer one;
    if (argc != 2)
        return 2;
    one.path = argv[1];
    if (!open_it(&one)) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    dlclose(one.library);
    return 0;
}
