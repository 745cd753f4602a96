// One arm of a choice turns the verification off: somebody decides. The second function decides for everybody.
#include <dlfcn.h>
#include <openssl/ssl.h>

void set_up(SSL_CTX *context, bool trusts_itself)
{
    SSL_CTX_set_verify(context, trusts_itself ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr); //! none
}

void let_in(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr); //! CWE-295
}

void *provider()
{
    return dlopen("/usr/lib/acme/provider.so", RTLD_NOW | RTLD_LOCAL);
}
