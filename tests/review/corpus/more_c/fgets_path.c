#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char line[256];
    FILE *f = fopen("/etc/app/plugins.conf", "r");
    if (!f)
        return 1;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        void *h = dlopen(line, RTLD_NOW); /* expect: CWE-114 */
        if (!h)
            fprintf(stderr, "%s\n", dlerror());
    }
    fclose(f);
    return 0;
}
