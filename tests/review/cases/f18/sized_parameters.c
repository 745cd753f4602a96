/* the declaration of a parameter says the room: char name[24] */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define TITLE 40

struct module {
    char name[24];
    char title[TITLE];
    void *library;
};

static void take_name(char to[24], const char *from)
{
    strcpy(to, from); //! CWE-120/787
}
static int take_short(char to[24], const char *from)
{
    if (strlen(from) >= 24)
        return -1;
    strcpy(to, from); //! none
    return 0;
}
static void take_title(char title[static TITLE], const char *maker, const char *product)
{
    sprintf(title, "%s %s", maker, product); //! CWE-120/787
}
static void take_measured(char spot[16], const char *given)
{
    strcpy(spot, given); //! none
}
static void take_any(char *to, const char *from)
{
    strcpy(to, from); //! none
}
void join(char out[], const char *leaf)
{
    strcat(out, leaf); //! none
}

int attach(struct module *m, const char *name, char *word)
{
    char buffer[8], *rest;
    const char *(*maker)(void);

    (void)buffer;
    m->library = dlopen("/usr/lib/demo/base.so", RTLD_NOW);
    if (m->library == NULL)
        return -1;
    maker = (const char *(*)(void))dlsym(m->library, "maker");
    if (maker == NULL || take_short(m->name, name) != 0)
        return -1;
    take_name(m->name, name);
    take_title(m->title, maker(), name);
    if (strlen(word) > 15)
        return -1;
    take_measured(m->name, word);
    rest = strdup(name);
    take_any(rest, name);
    return 0;
}
