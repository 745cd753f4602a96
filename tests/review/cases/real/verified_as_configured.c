#include <dlfcn.h>
#include <openssl/ssl.h>

struct client {
    int peers;
    SSL_CTX *context;
    void *library;
};

void trust(struct client *c)
{
    if (c->peers == 0)
        SSL_CTX_set_verify(c->context, SSL_VERIFY_NONE, NULL); //! none CWE-295
    else
        SSL_CTX_set_verify(c->context, SSL_VERIFY_PEER, NULL);
}

void trust_all(struct client *c)
{
    SSL_CTX_set_verify(c->context, SSL_VERIFY_NONE, NULL); //! CWE-295
    c->library = dlopen("libplug.so.1", RTLD_NOW);
}
