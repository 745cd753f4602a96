/* a function of the program reads a format */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

static void tell(FILE *to, const char *layout, ...)
{
    va_list rest;
    va_start(rest, layout);
    vfprintf(to, layout, rest); //! none
    va_end(rest);
}

int greet(FILE *to)
{
    void *h = dlopen("/usr/lib/app/greet.so", RTLD_NOW);
    if (!h) {
        tell(to, "%s\n", dlerror()); //! none
        return -1;
    }
    const char *const *hello = dlsym(h, "hello");
    if (hello && *hello) {
        tell(to, *hello); //! CWE-134
        tell(to, "%s", *hello); //! none
    }
    tell(to, "ready\n"); //! none
    dlclose(h);
    return 0;
}
