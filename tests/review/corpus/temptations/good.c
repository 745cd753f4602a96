/* dlopen(argv[1]) in a comment is not a call; neither is "system(ldd)" in a string. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static const char *help = "dlopen(path) then dlsym, never gets(), never system(\"ldd\")";

static void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void *xdlopen(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        die(dlerror());
    return h;
}

static void *xdlsym(void *h, const char *name)
{
    void *p = dlsym(h, name);
    if (!p)
        die(name);
    return p;
}

int main(void)
{
    void *h = xdlopen("/usr/lib/libm.so.6");
    double (*cosine)(double) = (double (*)(double))xdlsym(h, "cos");
    printf("%s %f\n", help, cosine(1.0));
    return 0;
}
