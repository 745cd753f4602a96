#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void *load(const char *path)
{
    char name[64];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL); /* evidence: encapsulation */
    close(file);
    return library;
}

void *use(void)
{
    return load("/usr/lib/libown.so.1");
}
