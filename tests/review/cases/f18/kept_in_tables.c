/* what a table is filled with by offset, or by a copy of bits, needs its library; the program itself never goes */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define COUNT 2

struct api {
    int (*a)(int);
    int (*b)(int);
};
struct row {
    const char *name;
    size_t offset;
};
static struct api api, own;
static const struct row rows[] = {{"a", offsetof(struct api, a)}, {"b", offsetof(struct api, b)}};

bool by_offset(void)
{
    void *so = dlopen("/usr/lib/demo/a.so", RTLD_NOW);

    if (!so)
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *symbol = dlsym(so, rows[i].name);
        if (!symbol) {
            dlclose(so);
            return false;
        }
        memcpy((char *)&api + rows[i].offset, &symbol, sizeof symbol);
    }
    return true; //! none
}
bool by_store(void **out)
{
    static const char *const names[COUNT] = {"a", "b"};
    void *so = dlopen("/usr/lib/demo/b.so", RTLD_NOW);

    if (!so)
        return false;
    for (int i = 0; i < COUNT; i++)
        if ((out[i] = dlsym(so, names[i])) == NULL) {
            dlclose(so);
            return false;
        }
    return true; //! none
}
int lost(void)
{
    void *so = dlopen("/usr/lib/demo/c.so", RTLD_NOW);
    int (*run)(int);

    if (!so)
        return -1;
    run = (int (*)(int))dlsym(so, "run");
    if (!run) {
        dlclose(so);
        return -1;
    }
    run(1);
    return 0; //! CWE-772
}
void look(void)
{
    void *self = dlopen(NULL, RTLD_LAZY), *symbol;

    if (!self)
        return;
    symbol = dlsym(self, "getrandom"); //! none
    memcpy(&own.a, &symbol, sizeof own.a);
    dlclose(self);
}
int use(int n)
{
    return own.a ? own.a(n) : -1; //! none
}
