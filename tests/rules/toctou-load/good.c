#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void *load_trusted(const char *path)
{
    struct stat st;
    char link[64];
    void *h = 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & 022)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        h = dlopen(link, RTLD_NOW);
    }
    close(fd);
    return h;
}
