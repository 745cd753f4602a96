/* only the user is changed, and then a library is loaded */
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
#define NOBODY 65534

static int step_down(void)
{
    if (setuid(NOBODY) != 0) { //! CWE-271
        perror("setuid");
        return -1;
    }
    return 0;
}

int main(void)
{
    if (step_down() != 0)
        return 1;
    void *h = dlopen("/usr/lib/app/worker.so", RTLD_NOW);
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return 0;
}
