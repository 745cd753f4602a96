/* getauxval() is asked for what the processor can do, which says nothing of rights. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

int start(const char *user_id)
{
    const char *path = getenv("FILTER_MODULE");
    unsigned long has = getauxval(AT_HWCAP);
    if (setuid((uid_t)atoi(user_id)) != 0)
        return 1;
    void *so = path ? dlopen(path, RTLD_NOW) : 0; /* expect: CWE-114 */
    if (!so)
        return 1;
    void (*run)(unsigned long) = (void (*)(unsigned long))dlsym(so, "run");
    if (run)
        run(has);
    dlclose(so);
    return 0;
}
