/* A socket that everybody may connect to is no library, and told as what it is; a file of plug-ins that everybody may write is (CWE-732). */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET "/run/suite/control"

int listen_here(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    strncpy(address.sun_path, SOCKET, sizeof address.sun_path - 1);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4) != 0) {
        close(fd);
        return -1;
    }
    if (chmod(SOCKET, S_IRWXU | S_IRWXG | S_IRWXO) != 0) { //! CWE-732
        close(fd);
        return -1;
    }
    return fd;
}

void *install(const char *file)
{
    void *library;
    if (chmod("/usr/lib/suite/codec.so", 0777) != 0) //! CWE-732
        return NULL;
    library = dlopen("/usr/lib/suite/codec.so", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fprintf(stderr, "%s: %s\n", file, dlerror());
    return library;
}
