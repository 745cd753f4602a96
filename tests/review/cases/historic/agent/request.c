/* An agent took the name of a key provider from whoever could reach its socket, and loaded it: ssh-agent before it had
   a list of the providers that may be loaded. */
#include <string.h>
#include <unistd.h>
#include "provider.h"

int serve(int peer)
{
    char request[256];
    ssize_t size = recv(peer, request, sizeof request - 1, 0);
    if (size <= 1)
        return -1;
    request[size] = '\0';
    if (request[0] == 'p')
        return add_provider(request + 1);
    return 0;
}
