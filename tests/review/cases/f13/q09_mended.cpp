// PE import walker
#include <windows.h>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>
typedef std::vector<uint8_t> Bytes;
static uint32_t u32(const Bytes &b, size_t at) { return b[at] | b[at + 1] << 8 | b[at + 2] << 16 | (uint32_t)b[at + 3] << 24; }
static bool has(const Bytes &b, size_t at, size_t n) { return at <= b.size() && n <= b.size() - at; }
bool nt_header(const Bytes &b, uint32_t *at)
{
    if (!has(b, 0, 0x40))
        return false;
    uint32_t lfanew = u32(b, 0x3c);
    if (!has(b, lfanew, 24))
        return false;  //! none
    *at = lfanew;
    return std::memcmp(&b[lfanew], "PE\0\0", 4) == 0;
}
std::string dll_name(const Bytes &b, size_t at)
{
    char name[64];
    size_t n = 0;
    while (has(b, at + n, 1) && b[at + n] != 0 && n + 1 < sizeof name) {
        name[n] = (char)b[at + n];
        n++;
    }
    name[n] = '\0';
    return name;  //! none
}
int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    std::ifstream f(argv[1], std::ios::binary);
    Bytes b((std::istreambuf_iterator<char>(f)), std::istreambuf_iterator<char>());
    uint32_t nt;
    if (!nt_header(b, &nt))
        return 1;
    std::printf("%s\n", dll_name(b, nt).c_str());
    return 0;
}
