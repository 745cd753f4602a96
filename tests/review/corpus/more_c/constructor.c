#include <dlfcn.h>

static void *helper;

__attribute__((constructor)) static void setup(void)
{
    helper = dlopen("/usr/lib/helper.so", RTLD_NOW); /* expect: CWE-833 */
    if (!helper)
        helper = 0;
}
