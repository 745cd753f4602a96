#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void *load(const char *path)
{
    char name[64];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW); /* evidence: integrity */
    if (file < 0)
        return 0;
    close(file);
    snprintf(name, sizeof name, "/proc/self/fd/%d", file); /* expect: CWE-910 */
    return dlopen(name, RTLD_NOW); /* evidence: error handling */
}

void *use(void)
{
    return load("/usr/lib/libown.so.1");
}
