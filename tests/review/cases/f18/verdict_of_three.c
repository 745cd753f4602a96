#include <dlfcn.h>
#include <errno.h>
struct key;
int read_sig(const char *, unsigned char *); int compare(const unsigned char *, const struct key *);
static int bundle_signature(const char *file, const struct key *k)
{
    unsigned char sig[64];
    if (read_sig(file, sig) != 0)
        return -EIO;
    return compare(sig, k) == 0 ? 1 : 0;
}
static int is_trusted(const char *file)
{
    unsigned char sig[64];
    if (read_sig(file, sig)) return -1;
    if (compare(sig, 0)) return 0;
    return 1;
}
/* 1: the seal is right, 0: it is not, -1: there is none or it could not be read. */
extern int seal_verify(int fd, char *who, unsigned cap);

/* Returns 0 when the list is empty. */
extern int verify_list(void);

void *g(int fd, const char *file)
{
    char who[64];
    int good = seal_verify(fd, who, sizeof who);
    if (good == 0) //! CWE-347
        return 0;
    return dlopen(file, RTLD_NOW);
}

void *h(const char *file)
{
    int good = verify_list();
    if (good == 0) //! none CWE-347
        return 0;
    return dlopen(file, RTLD_NOW);
}

void *a(const char *file, const struct key *k) { if (!bundle_signature(file, k)) return 0; return dlopen(file, RTLD_NOW); } //! CWE-347
void *b(const char *file, const struct key *k) { if (bundle_signature(file, k)) return dlopen(file, RTLD_NOW); return 0; } //! CWE-347
void *c(const char *file, const struct key *k) { if (bundle_signature(file, k) > 0) return dlopen(file, RTLD_NOW); return 0; } //! none CWE-347
void *d(const char *file) { int ok; if ((ok = is_trusted(file)) == 0) return 0; return dlopen(file, RTLD_NOW); } //! CWE-347
void *e(const char *file) { int ok = is_trusted(file); if (ok < 0) return 0; if (!ok) return 0; return dlopen(file, RTLD_NOW); } //! none CWE-347
void *f(const char *file) { int ok = is_trusted(file); if (ok != 1) return 0; return dlopen(file, RTLD_NOW); } //! none CWE-347
