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
    seteuid(uid); //! CWE-252
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
    struct stat st;

    if (stat(file, &st) != 0)
        return -1;
    if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return -1;
    t->so = dlopen(file, RTLD_NOW | RTLD_LOCAL); //! CWE-367
    if (!t->so) {
        fprintf(stderr, "modtrust: %s\n", dlerror());
        return -1;
    }
    t->handle = (int (*)(int))dlsym(t->so, "module_handle");
    if (!t->handle) {
        dlclose(t->so);
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
    umask(0); //! CWE-276
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
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
