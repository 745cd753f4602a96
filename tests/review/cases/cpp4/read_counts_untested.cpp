// How much is read says the file, and nothing compares it with the room there is.
#include <array>
#include <cstdio>
#include <cstdint>
#include <dlfcn.h>
#include <vector>
#include <fstream>

struct Head { uint32_t magic; uint32_t count; };

bool one(std::FILE *f)
{
    Head head;
    float value[128];
    if (std::fread(&head, sizeof head, 1, f) != 1 || head.magic != 0x31525046)
        return false;
    return std::fread(value, sizeof(float), head.count, f) == head.count; //! CWE-787
}
bool two(std::FILE *f)
{
    struct { uint32_t magic; uint32_t count; } head;
    std::array<float, 128> value{};
    if (std::fread(&head, sizeof head, 1, f) != 1 || head.magic != 0x31525046)
        return false;
    return std::fread(value.data(), sizeof(float), head.count, f) == head.count; //! CWE-787
}
void *codec()
{
    return dlopen("/usr/lib/acme/codec.so", RTLD_NOW);
}
