#include <dlfcn.h>
#include <stdio.h>
static void *crypto;
static int (*digest)(const char *);

static int load_crypto(void)
{
    crypto = dlopen("/usr/lib/crypto.so", RTLD_NOW);
    if (crypto == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    digest = (int (*)(const char *))dlsym(crypto, "digest");
    return digest != NULL;
}

int serve(const char *text)
{
    int result = -1;
    if (load_crypto())
        result = digest(text);
    if (crypto)
        dlclose(crypto); //! none
    return result; //! none
}
