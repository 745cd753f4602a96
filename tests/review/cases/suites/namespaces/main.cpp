#include <dlfcn.h>

namespace tools { void *open_codec(const char *name); }
namespace tables { void open_codec(const char *name); }
struct Shelf { static void *open_codec(const char *name); };

int main(int argc, char **argv)
{
    void *codec = tools::open_codec("libcodec.so.1");
    tables::open_codec(argc > 1 ? argv[1] : "");
    if (codec == nullptr)
        return 1;
    return dlclose(codec) == 0 ? 0 : 1;
}

void *from_environment(int peer, const char *name)
{
    return Shelf::open_codec(name);
}
