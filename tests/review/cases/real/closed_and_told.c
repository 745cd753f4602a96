#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void log_debug(const char *text, ...);

void *told(const char *path)
{
    int fd = open(path, O_RDONLY);
    void *library = dlopen(path, RTLD_NOW);
    if (fd < 0)
        return library;
    close(fd);
    log_debug("closed %d of %s", fd, path); //! none CWE-910
    return library;
}

void *used(const char *path)
{
    char name[64];
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    close(fd);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd); //! CWE-910
    return dlopen(name, RTLD_NOW);
}

mode_t set_mask(mode_t mask)
{
    return umask(mask);
}

int make_directory(const char *path)
{
    return mkdir(path, 0777) == 0; //! none CWE-732
}
