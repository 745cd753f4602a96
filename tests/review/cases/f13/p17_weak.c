/* config lines: "load NAME" */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_named(const char *n)
{
    void *h = dlopen(n, RTLD_NOW | RTLD_GLOBAL);  //! CWE-114
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return -1;
    }
    return 0;
}
int read_config(const char *file)
{
    char line[200], word[40];
    FILE *f = fopen(file, "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "load %s", word) != 1)  //! CWE-120
            continue;
        if (load_named(word) != 0) {
            fclose(f);
            return -1;
        }
    }
    fclose(f);
    return 0;
}
