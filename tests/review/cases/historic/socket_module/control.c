/* Whoever could write to the control socket of a network daemon set where it loads its engine from: wpa_supplicant
   before such settings could come from its own configuration only. */
#include <string.h>
#include <sys/socket.h>
#include "daemon.h"

int control(struct daemon *daemon, int socket)
{
    char line[512], *value;
    ssize_t size = recvfrom(socket, line, sizeof line - 1, 0, NULL, NULL);
    if (size <= 0)
        return -1;
    line[size] = '\0';
    if (strncmp(line, "SET ", 4) != 0)
        return 0;
    value = strchr(line + 4, ' ');
    if (!value)
        return -1;
    *value++ = '\0';
    return set_option(daemon, line + 4, value);
}
