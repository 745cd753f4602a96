/* conditions and statements that do something else than they look like */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
struct plugin { void *library; int (*start)(void); int ready; unsigned char version; const char *name; };
int run(struct plugin *plugin, int flags)
{
    if (plugin->ready = 1) //! CWE-481
        return plugin->start ? plugin->start() : -1;
    plugin->ready == 0; //! CWE-482
    if (flags && RTLD_NOW) //! CWE-480
        return 1;
    if (flags & RTLD_GLOBAL == 0) //! CWE-783
        return 2;
    if (plugin->name == NULL) //! none
        return 3;
    return 0;
}
int run_well(struct plugin *plugin, int flags)
{
    void *symbol;
    if ((symbol = dlsym(plugin->library, "start")) != NULL) //! none
        *(void **)&plugin->start = symbol;
    if (flags & RTLD_NOW) //! none
        plugin->ready = 1;
    if ((flags & RTLD_GLOBAL) == 0 && (plugin->ready != 0) & (flags != 0)) //! none CWE-783
        return 2;
    while ((symbol = dlsym(symbol, "next"))) //! none CWE-481
        plugin->ready++;
    return 0;
}
int kind_of(const char *name, int status, unsigned char version)
{
    if (name == "codec") //! CWE-597
        return 1;
    if (status != 0 || status != -1) //! CWE-571
        return 2;
    if (status < 0 && status > 8) //! CWE-570
        return 3;
    if (version > 256) //! CWE-570
        return 4;
    return 0;
}
int kind_of_well(const char *name, int status, unsigned char version)
{
    if (name && strcmp(name, "codec") == 0) //! none
        return 1;
    if (status != 0 && status != -1) //! none
        return 2;
    if (status < 0 || status > 8) //! none
        return 3;
    if (version > 254) //! none
        return 4;
    return 0;
}
int begin(struct plugin *plugin)
{
    if (plugin->library == NULL); //! CWE-483
        return -1;
}
int begin_twice(struct plugin *plugin)
{
    if (plugin->start == NULL)
        fprintf(stderr, "no start in %s\n", plugin->name);
        return -1; //! CWE-483
    return plugin->start(); //! CWE-561
}
int begin_well(struct plugin *plugin)
{
    const char *end = plugin->name;
    for (; *end && *end != '.'; end++); //! none
    if (plugin->start == NULL)
        fprintf(stderr, "no start in %s\n", plugin->name);
    else
        plugin->start();
    return end != plugin->name; //! none
}
