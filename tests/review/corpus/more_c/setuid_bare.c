#include <dlfcn.h>
#include <unistd.h>
#include <stdlib.h>

int main(void)
{
    if (setuid(0) != 0)
        return 1;
    void *h = dlopen("libauth.so", RTLD_NOW); /* expect: CWE-426 */
    if (!h)
        return 1;
    dlclose(h);
    return 0;
}
