/* stationd: a telnet-like control socket that attaches decoders */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#define DECODER_DIR "/usr/lib/stationd"
static void *decoder;

static int attach(const char *name)
{
    char full[PATH_MAX];
    if (name[0] == '\0' || strchr(name, '/') != NULL || name[0] == '.')
        return -1;
    snprintf(full, sizeof full, "%s/%s.so", DECODER_DIR, name);  //! none
    if (decoder)
        dlclose(decoder);
    decoder = dlopen(full, RTLD_NOW | RTLD_LOCAL);
    if (!decoder) {
        fprintf(stderr, "stationd: %s\n", dlerror());
        return -1;
    }
    return 0;
}

static int command(int s, char *line)
{
    char *verb = strtok(line, " \r\n");
    char *arg = strtok(NULL, " \r\n");
    if (verb == NULL)
        return 0;
    if (strcmp(verb, "attach") == 0 && arg != NULL)
        return attach(arg);
    if (strcmp(verb, "detach") == 0 && decoder) {
        dlclose(decoder);
        decoder = NULL;
        return 0;
    }
    return dprintf(s, "what?\n") < 0 ? -1 : 0;
}

int serve(int s)
{
    char buf[256];
    ssize_t n;
    while ((n = recv(s, buf, sizeof buf - 1, 0)) > 0) {
        buf[n] = '\0';
        if (command(s, buf) != 0)
            (void)send(s, "err\n", 4, 0);
    }
    return n < 0 ? -1 : 0;
}
