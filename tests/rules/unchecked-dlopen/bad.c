#include <dlfcn.h>
#include <stdio.h>

struct codec { void *handle; int (*decode)(const char *); };

int codec_open(struct codec *c)
{
    c->handle = dlopen("/usr/lib/codec/libcodec.so", RTLD_NOW);  /* bad */
    c->decode = (int (*)(const char *))dlsym(c->handle, "decode");
    if (c->decode == NULL) {
        fprintf(stderr, "no decode: %s\n", dlerror());
        return -1;
    }
    return 0;
}
