/* The same agent with a list of directories that a provider may come from, asked about the resolved path. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "provider.h"

static const char *const allowed[] = {"/usr/lib/providers/", "/usr/local/lib/providers/", NULL};

static int is_allowed(const char *path)
{
    for (size_t i = 0; allowed[i]; i++)
        if (strncmp(path, allowed[i], strlen(allowed[i])) == 0)
            return 1;
    return 0;
}

int serve(int peer)
{
    char request[256], resolved[PATH_MAX];
    ssize_t size = recv(peer, request, sizeof request - 1, 0);
    if (size <= 1)
        return -1;
    request[size] = '\0';
    if (request[0] != 'p')
        return 0;
    if (!realpath(request + 1, resolved))
        return -1;
    if (!is_allowed(resolved))
        return -1;
    return add_provider(resolved);
}
