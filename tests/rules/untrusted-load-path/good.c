#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char *lookup(const char *name)
{
    if (strcmp(name, "png") == 0)
        return "/usr/lib/app/png.so";
    if (strcmp(name, "jpeg") == 0)
        return "/usr/lib/app/jpeg.so";
    return NULL;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? lookup(argv[1]) : NULL;
    if (!path)
        return 2;
    void *h = dlopen(path, RTLD_NOW);
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    dlclose(h);
    return 0;
}
