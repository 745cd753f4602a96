/* modtrust: a root daemon's modules must belong to root and be writable by root only. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE "/run/modtrust"

struct trusted {
    void *so;
    int (*handle)(int fd);
};

static int drop_to(uid_t uid)
{
    if (seteuid(uid) != 0)
        return -1;
    return 0;
}

static int acceptable(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return 0;
    return S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

int trusted_load(struct trusted *t, const char *file)
{
    char name[64];
    int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (!acceptable(fd)) {
        close(fd);
        return -1;
    }
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    t->so = dlopen(name, RTLD_NOW | RTLD_LOCAL); //! none
    close(fd);
    if (!t->so) {
        fprintf(stderr, "modtrust: %s\n", dlerror()); //! none
        return -1;
    }
    t->handle = (int (*)(int))dlsym(t->so, "module_handle"); //! none
    if (!t->handle) {
        dlclose(t->so); //! none
        t->so = NULL;
        return -1;
    }
    return 0;
}

int trusted_note(const char *name)
{
    char path[256];
    int fd;

    if (strchr(name, '/'))
        return -1;
    if (snprintf(path, sizeof path, STATE "/%s.loaded", name) >= (int)sizeof path)
        return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

int trusted_serve(struct trusted *t, int fd, uid_t user)
{
    int rc;

    if (drop_to(user) != 0)
        return -1;
    rc = t->handle(fd);
    if (seteuid(0) != 0)
        abort();
    return rc;
}
