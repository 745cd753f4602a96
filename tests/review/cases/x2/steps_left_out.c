/* a module that decides about users and cannot be loaded: left out, refused, or no decision at all */
#include <dlfcn.h>
#include <stdio.h>
typedef int (*auth_fn)(const char *user);
struct step {
    char path[64];
    int required;
    void (*report)(const char *user);
};
static struct step steps[8];
static int count;
static auth_fn entry_of(const struct step *step)
{
    void *module = dlopen(step->path, RTLD_NOW);
    return module ? (auth_fn)dlsym(module, "authenticate") : NULL;
}
int agreed(const char *user)
{
    for (int i = 0; i < count; i++) {
        auth_fn fn = entry_of(&steps[i]);
        if (fn == NULL) //! CWE-636
            continue;
        if (fn(user) != 0)
            return 0;
    }
    return 1;
}
int agreed_by_all(const char *user)
{
    for (int i = 0; i < count; i++) {
        auth_fn fn = entry_of(&steps[i]);
        if (fn == NULL) { //! none CWE-636
            if (steps[i].required)
                return 0;
            continue;
        }
        if (fn(user) != 0)
            return 0;
    }
    return 1;
}
void tell(const char *user)
{
    for (int i = 0; i < count; i++) {
        if (steps[i].report == NULL) //! none CWE-636
            continue;
        steps[i].report(user);
    }
}
