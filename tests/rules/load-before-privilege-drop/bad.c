#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int start(uid_t user)
{
    void *h = dlopen("/usr/lib/app/auth.so", RTLD_NOW);  /* bad */
    if (!h)
        return -1;
    if (setgid(user) != 0 || setuid(user) != 0)
        abort();
    dlclose(h);
    return 0;
}
