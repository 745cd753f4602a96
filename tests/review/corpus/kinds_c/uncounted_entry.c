/* the entry behind the last is filled, the module is no good, and nobody ever looks at that entry */
#include <dlfcn.h>
#include <stddef.h>

struct module { void *so; int (*init)(void); };
static struct module modules[8];
static int n_modules;

int add(const char *path)
{
    struct module *m;

    if (n_modules == 8)
        return -1;
    m = &modules[n_modules];
    m->so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (m->so == NULL)
        return -1;
    m->init = (int (*)(void))dlsym(m->so, "init");
    if (m->init == NULL || m->init() != 0)
        return -1; /* expect: CWE-772 */
    n_modules++;
    return 0;
}

void drop_all(void)
{
    while (n_modules > 0)
        dlclose(modules[--n_modules].so);
}
