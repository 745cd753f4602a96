/* probed: an agent that loads metric providers when told so on its control socket. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROVIDERS "/usr/lib/probed/providers/"

static void *current;
static void (*current_report)(int fd);

static void answer(int fd, const char *text)
{
    size_t n = strlen(text);

    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        perror("probed: send");
}

static void describe(int fd, const char *path)
{
    char line[256];
    FILE *p;
    p = fopen(path, "re");
    if (!p)
        return;
    if (fread(line, 1, 20, p) == 20) {
        line[20] = 0;
        answer(fd, memcmp(line, "\177ELF", 4) == 0 ? "elf\n" : "other\n");
    }
    fclose(p);
}

static int use_provider(int fd, const char *arg)
{
    char real[PATH_MAX];
    void *h;

    if (!realpath(arg, real) || strncmp(real, PROVIDERS, sizeof PROVIDERS - 1) != 0) {
        answer(fd, "not a provider\n");
        return -1;
    }
    h = dlopen(real, RTLD_NOW | RTLD_LOCAL); //! none

    if (!h) {
        answer(fd, dlerror()); //! none
        return -1;
    }
    void (*report)(int) = (void (*)(int))dlsym(h, "provider_report"); //! none
    if (!report) {
        dlclose(h); //! none
        answer(fd, "no report\n");
        return -1;
    }
    if (current)
        dlclose(current); //! none
    current = h;
    current_report = report;
    return 0;
}

void serve(int fd)
{
    char msg[PATH_MAX + 16];
    ssize_t n;

    while ((n = recv(fd, msg, sizeof msg - 1, 0)) > 0) {
        msg[n] = '\0';
        msg[strcspn(msg, "\r\n")] = '\0';
        if (strncmp(msg, "use ", 4) == 0)
            use_provider(fd, msg + 4);
        else if (strncmp(msg, "info ", 5) == 0)
            describe(fd, msg + 5);
        else if (strcmp(msg, "report") == 0 && current_report)
            current_report(fd);
        else
            answer(fd, "what?\n");
    }
}
