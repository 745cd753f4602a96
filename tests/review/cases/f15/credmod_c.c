/* credmod: picks the credential helper for a scheme from a fixed table. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct helper {
    const char *scheme;
    const char *file;
    pthread_once_t once;
    void *so;
    int (*get)(const char *host, char *out, size_t cap);
};

static struct helper helpers[] = {
    { "basic", "/usr/libexec/cred/basic.so", PTHREAD_ONCE_INIT, NULL, NULL },
    { "token", "/usr/libexec/cred/token.so", PTHREAD_ONCE_INIT, NULL, NULL },
};

static pthread_mutex_t load_mx = PTHREAD_MUTEX_INITIALIZER;

static int ensure(struct helper *h)
{
    int rc = -1;

    pthread_mutex_lock(&load_mx);
    if (h->get) {
        rc = 0;
        goto out;
    }
    h->so = dlopen(h->file, RTLD_NOW); //! none
    if (!h->so) {
        fprintf(stderr, "credmod: %s\n", dlerror()); //! none
        goto out;
    }
    h->get = (int (*)(const char *, char *, size_t))dlsym(h->so, "cred_get"); //! none
    if (!h->get) {
        dlclose(h->so); //! none
        h->so = NULL;
        goto out;
    }
    rc = 0;
out:
    pthread_mutex_unlock(&load_mx);
    return rc;
}

int cred_get(const char *url, char *out, size_t cap)
{
    const char *colon = strstr(url, "://");
    size_t i;

    if (!colon)
        return -1;
    for (i = 0; i < sizeof helpers / sizeof *helpers; i++) {
        size_t n = strlen(helpers[i].scheme);

        if ((size_t)(colon - url) == n && strncmp(url, helpers[i].scheme, n) == 0)
            return ensure(&helpers[i]) == 0 ? helpers[i].get(colon + 3, out, cap) : -1;
    }
    return -1;
}

const char *cred_editor(void)
{
    const char *e = getenv("EDITOR");

    return e && *e ? e : "vi";
}
