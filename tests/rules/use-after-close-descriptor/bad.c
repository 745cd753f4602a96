#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void *load(const char *path)
{
    char name[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    close(fd);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd); /* bad */
    return dlopen(name, RTLD_NOW);
}

void *by_alias(const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    int again = fd;
    void *library = dlopen(path, RTLD_NOW);
    close(again);
    if (fstat(fd, &about) != 0) /* bad */
        return 0;
    return library;
}
