#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

void *load_here(void)
{
    char dir[4096], path[4200];
    if (!getcwd(dir, sizeof dir))
        return 0;
    snprintf(path, sizeof path, "%s/libplugin.so", dir);
    return dlopen(path, RTLD_NOW); /* expect: CWE-427 */
}
