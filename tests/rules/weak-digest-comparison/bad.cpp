#include <cstdint>
#include <cstring>
#include <string>
#include <dlfcn.h>

std::string digest_of(const std::string &file);

bool same_digest(const uint8_t *got, const uint8_t *wanted)
{
    return strncmp((const char *)got, (const char *)wanted, 32) == 0;  // bad
}

bool genuine(const std::string &file, const std::string &digest)
{
    const std::string made = digest_of(file);
    return made.compare(0, digest.size(), digest) == 0;  // bad
}

void *open_it(const char *path) { return dlopen(path, RTLD_NOW); }
