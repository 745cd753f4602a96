/* A shell that is started as a program reads a command, as system() does. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void listed(int peer)
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    char line[200] = "";
    ssize_t got = recv(peer, line, sizeof line - 1, 0);
    if (codec == NULL || got <= 0)
        return;
    line[got] = '\0';
    execl("/bin/sh", "sh", "-c", line, (char *)NULL); //! CWE-78
}

void in_an_array(int peer)
{
    char line[200] = "ls ";
    ssize_t got = recv(peer, line + strlen(line), 150, 0);
    if (got <= 0)
        return;
    char *const words[] = {"/bin/sh", "-c", line, NULL};
    execv("/bin/sh", words); //! CWE-78
}

void as_arguments(int peer)
{
    char line[200];
    ssize_t got = recv(peer, line, sizeof line - 1, 0);
    if (got <= 0)
        return;
    line[got] = '\0';
    char *words[] = {"/bin/sh", "-c", "exec /usr/bin/readelf -d -- \"$1\"", "sh", line, NULL};
    if (fork() == 0)
        execv("/bin/sh", words); //! none CWE-78/CWE-88
    if (fork() == 0)
        execl("/bin/sh", "sh", "-c", "exec /usr/bin/nm -- \"$1\"", "sh", line, (char *)NULL); //! none CWE-78/CWE-88
    execl("/usr/bin/readelf", "readelf", "-d", "--", line, (char *)NULL); //! none
}
