/* a pointer that the program has just found null, or asks about too late */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct module { struct module *next; void *library; int (*start)(void); char *name; };
int close_module(struct module *module)
{
    if (!module->library)
        return dlclose(module->library); //! CWE-476
    return 0;
}
int close_module_well(struct module *module)
{
    if (module->library)
        return dlclose(module->library); //! none CWE-476
    module->library = dlopen(module->name, RTLD_NOW);
    return module->library ? dlclose(module->library) : -1; //! none CWE-476
}
void tell(struct module *module)
{
    if (module == NULL)
        fprintf(stderr, "%s is not loaded\n", module->name); //! CWE-476
}
int is_there(struct module *module)
{
    if (!module && module->library) //! CWE-476
        return 1;
    if (module && module->library) //! none CWE-476
        return 1;
    return !module || module->start != NULL; //! none CWE-476
}
int start(struct module *module)
{
    int status = module->start(); //! CWE-476
    if (module == NULL)
        return -1;
    return status;
}
int start_well(struct module *module)
{
    int status = module->start(); //! none CWE-476
    module = module->next;
    if (module == NULL)
        return -1;
    return status;
}
