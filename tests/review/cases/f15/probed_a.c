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
    char *cmd;

    if (asprintf(&cmd, "readelf -Wd %s", path) < 0)
        return;
    p = popen(cmd, "r"); //! CWE-78
    free(cmd);
    if (!p)
        return;
    while (fgets(line, sizeof line, p))
        answer(fd, line);
    pclose(p);
}

static int use_provider(int fd, const char *arg)
{
    void *h = dlopen(arg, RTLD_NOW | RTLD_LOCAL); //! CWE-114

    if (!h) {
        answer(fd, dlerror());
        return -1;
    }
    void (*report)(int) = (void (*)(int))dlsym(h, "provider_report");
    if (!report) {
        dlclose(h);
        answer(fd, "no report\n");
        return -1;
    }
    if (current)
        dlclose(current);
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
