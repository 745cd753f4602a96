/* Texts of plug-ins and of clients that are read as formats. */
#include <dlfcn.h>
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <glib.h>

struct plug { int abi; const char *title; const char *(*error)(void); };

static void say(int level, const char *fmt, ...)
{
    va_list ap;
    if (level > 3)
        return;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

static void say_text(const char *text)
{
    say(1, "%s\n", text);
}

#define REPORT(m) fprintf(stderr, m)

static void show(struct plug *p)
{
    char line[80], both[200];
    printf(p->title); //! CWE-134
    syslog(LOG_ERR, p->error()); //! CWE-134
    say(1, p->title); //! CWE-134
    snprintf(line, sizeof line, p->error()); //! CWE-134
    snprintf(both, sizeof both, "plug-in says: %s\n", p->title);
    fprintf(stderr, both); //! CWE-134
    g_warning(p->title); //! CWE-134
    warnx(p->error()); //! CWE-134
    dprintf(2, p->title); //! CWE-134
    REPORT(p->title); //! CWE-134
    say_text(p->title); //! none
    printf("%s", p->title); //! none CWE-134
}

static void greet(int fd)
{
    char text[128];
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0)
        return;
    text[n] = 0;
    printf(text); //! CWE-134
}

static void config_format(FILE *f)
{
    char line[128];
    static char pattern[128];
    if (fgets(line, sizeof line, f) && strncmp(line, "pattern=", 8) == 0)
        strcpy(pattern, line + 8);
    printf(pattern, 42);
}

static const char *const texts[] = {"loaded\n", "failed\n"};

static void status(int ok)
{
    printf(texts[ok ? 0 : 1]); //! none CWE-134
    printf(ok ? "yes\n" : "no\n"); //! none CWE-134
}

int main(int argc, char **argv)
{
    void *lib = dlopen("/usr/lib/host/plug.so", RTLD_NOW);
    struct plug *(*make)(void);
    if (!lib)
        return 1;
    make = (struct plug *(*)(void))dlsym(lib, "make_plug");
    struct plug *p = make ? make() : NULL;
    if (!p || !p->title || !p->error)
        return 1;
    show(p);
    greet(0);
    config_format(stdin);
    status(argc > 1);
    const char *(*version)(void) = (const char *(*)(void))dlsym(lib, "version_text");
    if (version) {
        const char *v = version();
        if (v)
            printf(v); //! CWE-134
    }
    const char **banner = dlsym(lib, "banner");
    if (banner && *banner)
        printf(*banner); //! CWE-134
    if (argc > 1)
        printf(argv[1]); //! CWE-134
    return 0;
}
