/* What looks like names and rights of others and is none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const entries[] = {"open", "close", NULL};

static void *entry(void *lib, int fd)
{
    char name[32];
    ssize_t n = read(fd, name, sizeof name - 1);
    if (n <= 0)
        return NULL;
    name[n] = 0;
    for (int i = 0; entries[i]; i++)
        if (strcmp(name, entries[i]) == 0)
            return dlsym(lib, entries[i]); //! none CWE-470
    return NULL;
}

static void *method(void *lib, int fd)
{
    char name[32], symbol[64];
    ssize_t n = read(fd, name, sizeof name - 1);
    if (n <= 0)
        return NULL;
    name[n] = 0;
    snprintf(symbol, sizeof symbol, "host_method_%s", name);
    return dlsym(lib, symbol); //! none CWE-470
}

static int unpack(int in, int dir)
{
    struct { char name[100]; } m;
    while (read(in, &m, sizeof m) == (ssize_t)sizeof m) {
        m.name[sizeof m.name - 1] = 0;
        if (strchr(m.name, '/') || strcmp(m.name, "..") == 0)
            return -1;
        int out = openat(dir, m.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644); //! none CWE-22
        if (out < 0)
            return -1;
        close(out);
    }
    return 0;
}

static int numbered(int in)
{
    unsigned number;
    char path[64];
    if (read(in, &number, sizeof number) != (ssize_t)sizeof number)
        return -1;
    snprintf(path, sizeof path, "/var/lib/host/%u.job", number);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600); //! none CWE-22
    return out < 0 ? -1 : close(out);
}

static int become(uid_t u, gid_t g)
{
    if (setgroups(1, &g) != 0 || setgid(g) != 0 || setuid(u) != 0) //! none CWE-271
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || become(1000, 1000) != 0)
        return 1;
    void *lib = dlopen("/usr/lib/host/ops.so", RTLD_NOW);
    if (!lib)
        return 1;
    int dir = open("/var/lib/host", O_RDONLY | O_DIRECTORY);
    void *found = entry(lib, 0);
    int rc = found && method(lib, 0) && unpack(0, dir) == 0 && numbered(0) == 0 ? 0 : 1;
    dlclose(lib);
    return rc;
}
