// What a verifying function found is dropped, only told, or good where there is no proof at all.
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <string>
#include <unistd.h>
#include <vector>

static bool sum(int fd, unsigned char *out)
{
    unsigned char block[4096];
    SHA256_CTX context;
    ssize_t count;
    SHA256_Init(&context);
    while ((count = read(fd, block, sizeof block)) > 0)
        SHA256_Update(&context, block, count);
    SHA256_Final(out, &context);
    return count == 0;
}

static bool digestMatches(int fd, const unsigned char *wanted)
{
    unsigned char found[32];
    if (!sum(fd, found))
        return false;
    return memcmp(found, wanted, sizeof found) == 0; //! none
}

static bool digestBegins(int fd, const unsigned char *wanted)
{
    unsigned char found[32];
    if (!sum(fd, found))
        return false;
    return memcmp(found, wanted, 8) == 0; //! CWE-345
}

static bool header(const unsigned char *data)
{
    return memcmp(data, "\177ELF", 4) == 0; //! none
}

static void *map(int fd)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return dlopen(link, RTLD_NOW);
}

void *dropped(int fd, const unsigned char *wanted)
{
    digestMatches(fd, wanted); //! CWE-345
    return map(fd);
}

void *told(int fd, const unsigned char *wanted)
{
    const bool good = digestMatches(fd, wanted); //! CWE-345
    std::printf("good: %d\n", good);
    return map(fd);
}

void *asked(int fd, const unsigned char *wanted)
{
    const bool good = digestMatches(fd, wanted); //! none
    std::printf("good: %d\n", good);
    if (!good || !digestBegins(fd, wanted))
        return nullptr;
    return map(fd);
}

static bool old_sum_ok(const std::string &file, const unsigned char *wanted)
{
    std::ifstream in(file, std::ios::binary);
    std::vector<unsigned char> data((std::istreambuf_iterator<char>(in)), {});
    unsigned char found[16];
    MD5(data.data(), data.size(), found); //! CWE-328
    return std::memcmp(found, wanted, sizeof found) == 0;
}

std::string cache_key(const std::string &name)
{
    unsigned char found[16];
    MD5(reinterpret_cast<const unsigned char *>(name.data()), name.size(), found); //! none
    return std::string(reinterpret_cast<char *>(found), sizeof found);
}

typedef int (*verify_fn)(const unsigned char *, size_t, const unsigned char *, size_t);

bool signature_ok(verify_fn verify, const std::string &file, const unsigned char *data, size_t size)
{
    unsigned char signature[64];
    FILE *in = std::fopen((file + ".sig").c_str(), "rb");
    if (!in) //! CWE-347
        return true;
    const size_t length = std::fread(signature, 1, sizeof signature, in);
    std::fclose(in);
    return verify(data, size, signature, length) == 1;
}

bool signature_valid(verify_fn verify, const std::string &file, const unsigned char *data, size_t size)
{
    unsigned char signature[64];
    FILE *in = std::fopen((file + ".sig").c_str(), "rb");
    if (!in) //! none CWE-347
        return false;
    const size_t length = std::fread(signature, 1, sizeof signature, in);
    std::fclose(in);
    return verify(data, size, signature, length) == 1;
}
