/* what a function of the program may give as null, and what nobody asks */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct module { struct module *next; void *library; int (*start)(void); char *name; };
static struct module *new_module(void)
{
    return calloc(1, sizeof(struct module));
}
static struct module *must_have_module(void)
{
    struct module *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    return made;
}
static struct module *find(struct module *first, const char *name)
{
    for (; first; first = first->next)
        if (strcmp(first->name, name) == 0)
            return first;
    return NULL;
}
struct module *load(const char *path)
{
    struct module *made = new_module();
    made->library = dlopen(path, RTLD_NOW); //! CWE-476 CWE-690
    return made;
}
struct module *load_well(const char *path)
{
    struct module *made = must_have_module();
    made->library = dlopen(path, RTLD_NOW); //! none CWE-476 CWE-690
    return made;
}
int run(struct module *first, const char *name)
{
    return find(first, name)->start(); //! CWE-476
}
int run_well(struct module *first, const char *name)
{
    struct module *found = find(first, name);
    return found && found->start ? found->start() : -1; //! none CWE-476
}
size_t keep_name(struct module *module, const char *name)
{
    module->name = strdup(name);
    return strlen(module->name); //! CWE-690
}
size_t keep_name_well(struct module *module, const char *name)
{
    module->name = strdup(name);
    if (module->name == NULL)
        return 0;
    return strlen(module->name); //! none CWE-690
}
int is_library(const char *path)
{
    const char *end = strrchr(path, '.');
    return strcmp(end, ".so") == 0; //! CWE-476
}
int is_library_well(const char *path)
{
    const char *end = strrchr(path, '.');
    return end != NULL && strcmp(end, ".so") == 0; //! none CWE-476
}
int add(struct module ***list, size_t *count, struct module *one)
{
    *list = realloc(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = one; //! CWE-690
    return 0;
}
int add_well(struct module ***list, size_t *count, struct module *one)
{
    *list = realloc(*list, (*count + 1) * sizeof **list);
    if (!*list)
        return -1;
    (*list)[(*count)++] = one; //! none CWE-690
    return 0;
}
