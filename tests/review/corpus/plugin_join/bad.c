#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define PLUGIN_DIR "/usr/lib/app/plugins"

int load_named(int argc, char **argv);

int main(int argc, char **argv)
{
    char path[4096];
    if (argc < 2)
        return 2;
    snprintf(path, sizeof path, "%s/%s.so", PLUGIN_DIR, argv[1]);
    void *h = dlopen(path, RTLD_NOW); /* expect: CWE-22 */
    if (!h)
        return 1;
    dlclose(h);
    return 0;
}
