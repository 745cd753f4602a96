#include <cstdint>
#include <cstring>
#include <string>
#include <dlfcn.h>

std::string digest_of(const std::string &file);

bool same_digest(const uint8_t *got, const uint8_t *wanted)
{
    return memcmp(got, wanted, 32) == 0;
}

bool genuine(const std::string &file, const std::string &digest)
{
    return digest.size() == 64 && digest_of(file) == digest;
}

void *open_it(const char *path) { return dlopen(path, RTLD_NOW); }
