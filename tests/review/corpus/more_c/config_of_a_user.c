/* The same test of the first character, on a file that whoever starts the program chooses. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *first_of(const char *name)
{
    char line[512];
    void *so = NULL;
    FILE *f = fopen(name, "re");
    if (!f)
        return NULL;
    if (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == '/')
            so = dlopen(line, RTLD_NOW); /* expect: CWE-114 */
    }
    fclose(f);
    return so;
}

int has_backend(void)
{
    const char *name = getenv("METERS_CONF");
    void *so = first_of(name ? name : "/etc/meters/backends.conf");
    if (!so)
        return 0;
    dlclose(so);
    return 1;
}
