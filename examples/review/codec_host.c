#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef int (*codec_open_fn)(const char *);

static void *handle;

int codec_init(const char *name)
{
    char path[256];
    if (name == NULL || name[0] == '\0')
        return -1;
    snprintf(path, sizeof path, "%s/%s.so", getenv("CODEC_DIR"), name);
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "codec: %s\n", dlerror());
        return -1;
    }
    codec_open_fn open_codec = (codec_open_fn)dlsym(handle, "codec_open");
    return open_codec(name);
}

void codec_exit(void)
{
    if (handle) {
        dlclose(handle);
        handle = NULL;
    }
}
