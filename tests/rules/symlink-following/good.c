#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CAREFUL (O_RDONLY | O_CLOEXEC | O_NOFOLLOW)

static void *load(int file)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    void *library = dlopen(name, RTLD_NOW);
    close(file);
    return library;
}

void *careful(const char *path)
{
    int file = open(path, CAREFUL); /* good */
    return file < 0 ? 0 : load(file);
}

void *beneath(int directory, const char *name)
{
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW); /* good */
    return file < 0 ? 0 : load(file);
}

void *sometimes(const char *path, int strict)
{
    int file = open(path, strict ? O_RDONLY | O_NOFOLLOW : O_RDONLY);
    return file < 0 ? 0 : load(file);
}
