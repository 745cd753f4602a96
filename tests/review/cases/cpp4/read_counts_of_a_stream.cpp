// A stream is asked for as many bytes as the file says.
#include <array>
#include <cstdio>
#include <cstdint>
#include <dlfcn.h>
#include <vector>
#include <fstream>

struct Head { uint32_t magic; uint32_t count; };

bool five(std::ifstream &in)
{
    Head head;
    char value[128];
    in.read(reinterpret_cast<char *>(&head), sizeof head);
    if (!in)
        return false;
    in.read(value, head.count); //! CWE-787
    return static_cast<bool>(in);
}
void *codec()
{
    return dlopen("/usr/lib/acme/codec.so", RTLD_NOW);
}
