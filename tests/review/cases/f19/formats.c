#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* A text with a name, a message or a line in it is data for a format, never one. */

void complain(const char *name, const char *why)
{
    char text[512];

    snprintf(text, sizeof text, "driver %s: %s", name, why);
    syslog(LOG_ERR, text); //! CWE-134
}

void *open_or_tell(const char *path)
{
    void *h = dlopen(path, RTLD_NOW);

    if (h == NULL)
        fprintf(stderr, dlerror()); //! CWE-134
    return h;
}

void banner(void *h)
{
    const char *(*version)(void) = (const char *(*)(void))dlsym(h, "version");
    const char *said;

    if (version == NULL)
        return;
    said = version();
    printf(said); //! CWE-134
}

void echo(FILE *f, char *to, size_t room)
{
    char line[128];

    while (fgets(line, sizeof line, f))
        snprintf(to, room, line); //! CWE-134
}

void report(const char *layout, ...)
{
    char text[256];
    va_list given;

    va_start(given, layout);
    vsnprintf(text, sizeof text, layout, given);
    va_end(given);
    syslog(LOG_INFO, text); //! CWE-134
}

/* Texts of the program's own, and texts that are given to a format. */

void say(const char *name, int loud)
{
    const char *layout = loud ? "loaded\n" : ".";
    char text[64];

    printf(layout); //! none CWE-134
    snprintf(text, sizeof text, "%s", name);
    printf("%s", text); //! none CWE-134
    fputs(text, stderr); //! none CWE-134
    strcpy(text, "done\n");
    strcpy(text, "all done\n");
}

void count(void)
{
    char text[64];

    strcpy(text, "done\n");
    printf(text); //! none CWE-134
}

void number(int n)
{
    char text[64];

    snprintf(text, sizeof text, "%d of %d\n", n, n + 1);
    printf(text); //! none CWE-134
}
