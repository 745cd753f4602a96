#include <dlfcn.h>
#include <openssl/evp.h>

void *load_signed(const char *path, EVP_MD_CTX *ctx, const unsigned char *sig, size_t n)
{
    if (EVP_DigestVerifyFinal(ctx, sig, n) == 1)
        return dlopen(path, RTLD_NOW);
    return 0;
}
