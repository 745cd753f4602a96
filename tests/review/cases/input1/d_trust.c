/* Signatures, digests and certificates that need not be good. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

struct pack { unsigned char *body; size_t size; unsigned char *sig; size_t sig_size; unsigned char digest[32]; unsigned version; };

static int verify(const struct pack *p);

static void *install_unsigned(const struct pack *p, const char *path)
{
    if (p->sig_size > 0 && !verify(p)) //! CWE-347/345
        return NULL;
    return dlopen(path, RTLD_NOW);
}

static void *install_unsigned2(const struct pack *p, const char *path)
{
    if (p->sig != NULL) { //! CWE-347/345
        if (verify(p) != 1)
            return NULL;
    }
    return dlopen(path, RTLD_NOW);
}

static void *install_signed(const struct pack *p, const char *path)
{
    if (p->sig == NULL || !verify(p)) //! none
        return NULL;
    return dlopen(path, RTLD_NOW);
}

static int check(EVP_MD_CTX *c, const struct pack *p)
{
    if (EVP_DigestVerify(c, p->sig, p->sig_size, p->body, p->size)) //! CWE-347/253
        return 1;
    return 0;
}

static void *install_logged(const struct pack *p, const char *path)
{
    if (!verify(p)) //! CWE-347/345/390
        fprintf(stderr, "warning: the signature of %s is bad\n", path);
    return dlopen(path, RTLD_NOW);
}

static void *install_own_digest(const struct pack *p, const char *path)
{
    unsigned char d[32];
    unsigned n = 0;
    EVP_Digest(p->body, p->size, d, &n, EVP_sha256(), NULL);
    if (memcmp(d, p->digest, 32) != 0)
        return NULL;
    return dlopen(path, RTLD_NOW);
}

static void *install_part(const char *want, const char *got, const char *path)
{
    if (strncmp(want, got, strlen(want)) != 0)
        return NULL;
    return dlopen(path, RTLD_NOW);
}

static int verify_by_tool(const char *path)
{
    char cmd[300];
    snprintf(cmd, sizeof cmd, "gpgv --keyring /etc/host.gpg '%s.sig' '%s'", path, path);
    system(cmd); //! CWE-347/252/78
    return 1;
}

static int fetch(const char *url, FILE *out)
{
    CURL *c = curl_easy_init();
    if (!c)
        return -1;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L); //! CWE-295
    curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
    int rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc;
}

static int fetch_plain(FILE *out)
{
    CURL *c = curl_easy_init();
    if (!c)
        return -1;
    curl_easy_setopt(c, CURLOPT_URL, "http://updates.example.org/plugins/filter.so");
    curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
    int rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc;
}

static int any_cert(int ok, X509_STORE_CTX *x)
{
    (void)ok;
    (void)x;
    return 1; //! CWE-295
}

static SSL *connect_tls(SSL_CTX *ctx, int fd)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, any_cert); //! none
    SSL *s = SSL_new(ctx);
    if (!s)
        return NULL;
    SSL_set_verify(s, SSL_VERIFY_NONE, NULL); //! CWE-295
    SSL_set_fd(s, fd);
    return s;
}

static int gnutls_any(gnutls_session_t s, const char *host)
{
    unsigned status = 0;
    int rc = gnutls_certificate_verify_peers3(s, host, &status);
    if (rc < 0)
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct pack p = {0};
    FILE *f = fopen("/var/lib/host/new.so", "wb");
    if (!f || argc < 2)
        return 1;
    fetch(argv[1], f);
    fetch_plain(f);
    fclose(f);
    install_unsigned(&p, "/var/lib/host/new.so");
    install_unsigned2(&p, "/var/lib/host/new.so");
    install_signed(&p, "/var/lib/host/new.so");
    install_logged(&p, "/var/lib/host/new.so");
    install_own_digest(&p, "/var/lib/host/new.so");
    install_part(argv[1], argv[2], "/var/lib/host/new.so");
    if (verify_by_tool("/var/lib/host/new.so"))
        dlopen("/var/lib/host/new.so", RTLD_NOW);
    return 0;
}
