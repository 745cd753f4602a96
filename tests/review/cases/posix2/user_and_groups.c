/* groups first */
#include <dlfcn.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) //! none
        return 1;
    void *h = dlopen("/usr/lib/app/worker.so", RTLD_NOW);
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return 0;
}
