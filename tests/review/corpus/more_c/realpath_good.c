#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "/usr/lib/app/plugins/"

int main(int argc, char **argv)
{
    char joined[PATH_MAX], real[PATH_MAX];
    if (argc < 2)
        return 2;
    snprintf(joined, sizeof joined, "%s%s.so", BASE, argv[1]);
    if (!realpath(joined, real))
        return 1;
    if (strncmp(real, BASE, sizeof BASE - 1) != 0)
        return 1;
    void *h = dlopen(real, RTLD_NOW);
    if (!h)
        return 1;
    dlclose(h);
    return 0;
}
