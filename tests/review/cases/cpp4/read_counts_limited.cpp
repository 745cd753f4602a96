// How much is read says the file: it is compared with the room, or the room is made for it.
#include <array>
#include <cstdio>
#include <cstdint>
#include <dlfcn.h>
#include <vector>
#include <fstream>

struct Head { uint32_t magic; uint32_t count; };

bool three(std::FILE *f)
{
    Head head;
    float value[128];
    if (std::fread(&head, sizeof head, 1, f) != 1 || head.magic != 0x31525046 || head.count > 128)
        return false;
    return std::fread(value, sizeof(float), head.count, f) == head.count; //! none
}
bool four(std::FILE *f)
{
    Head head;
    if (std::fread(&head, sizeof head, 1, f) != 1)
        return false;
    std::vector<float> value(head.count);
    return std::fread(value.data(), sizeof(float), head.count, f) == head.count; //! none CWE-787
}
void *codec()
{
    return dlopen("/usr/lib/acme/codec.so", RTLD_NOW);
}
