/* config lines: "load NAME" */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load_named(const char *n)
{
    void *h = dlopen(n, RTLD_NOW | RTLD_GLOBAL);
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
        char full[300];
        size_t k;
        if (sscanf(line, "load %39s", word) != 1)
            continue;
        for (k = 0; isalnum((unsigned char)word[k]); k++)
            ;
        if (k == 0 || word[k] != '\0')
            continue;
        snprintf(full, sizeof full, "/usr/lib/demo/%s.so", word);
        if (load_named(full) != 0) {  //! none
            fclose(f);
            return -1;
        }
    }
    fclose(f);
    return 0;
}
