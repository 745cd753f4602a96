/* a parameter of a local function is what its callers give, and what follows -o is no option */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void compile(const char *so, const char *source)
{
    execl("/usr/bin/cc", "cc", "-shared", "-o", so, source, (char *)NULL); //! none
}
void write_to(const char *so)
{
    execl("/usr/bin/ld", "ld", "-shared", "-o", so, (char *)NULL); //! none
}
void show(const char *name)
{
    execl("/usr/bin/readelf", "readelf", "-d", name, (char *)NULL); //! CWE-88
}
void *build(void)
{
    char dir[] = "/run/demo.XXXXXX", source[64], so[64];

    if (mkdtemp(dir) == NULL)
        return NULL;
    snprintf(source, sizeof source, "%s/k.c", dir);
    snprintf(so, sizeof so, "%s/k.so", dir);
    compile(so, source);
    return dlopen(so, RTLD_NOW);
}
