#include <dlfcn.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN_DIR "/usr/lib/app/plugins"

static int plain_name(const char *s)
{
    if (*s == '\0' || strlen(s) > 64)
        return 0;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_')
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    char path[4096];
    if (argc < 2 || !plain_name(argv[1]))
        return 2;
    snprintf(path, sizeof path, "%s/%s.so", PLUGIN_DIR, argv[1]);
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return 1;
    dlclose(h);
    return 0;
}
