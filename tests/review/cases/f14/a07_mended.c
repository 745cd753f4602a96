/* setuid screen locker with auth modules */
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int check_owner(const char *p)
{
    struct stat st;
    if (stat(p, &st) != 0)
        return -1;
    return st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ? 0 : -1;
}
static void *open_auth(const char *user)
{
    struct passwd *pw = getpwnam(user);
    char p[512];
    if (pw == NULL)
        return NULL;
    snprintf(p, sizeof p, "/usr/lib/locker/auth.so");
    if (initgroups(user, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return NULL;
    return dlopen(p, RTLD_NOW);  //! none
}
static int save(const char *data)
{
    int fd = open("/run/locker/state", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);  //! none
    ssize_t n;
    if (fd < 0)
        return -1;
    n = write(fd, data, strlen(data));
    close(fd);
    return n < 0 ? -1 : 0;
}
int main(int argc, char **argv)
{
    int (*auth)(const char *);
    void *h;
    if (argc < 2 || save("locked") != 0)
        return 1;
    h = open_auth(argv[1]);
    if (h == NULL)
        return 1;
    auth = (int (*)(const char *))dlsym(h, "auth");
    if (auth == NULL || auth(argv[1]) != 0)
        return 1;
    return 0;
}
