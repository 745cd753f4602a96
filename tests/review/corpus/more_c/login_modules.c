/* A login helper: its modules need root to look into the user database; only the session runs as the user. */
#include <dlfcn.h>
#include <pwd.h>
#include <unistd.h>

static int authenticate(const char *user)
{
    void *so = dlopen("/usr/lib/kiosk/pam_token.so", RTLD_NOW | RTLD_LOCAL);
    if (!so)
        return -1;
    int (*check)(const char *) = (int (*)(const char *))dlsym(so, "token_check");
    int rc = check ? check(user) : -1;
    dlclose(so);
    return rc;
}

int main(int argc, char **argv)
{
    struct passwd *pw = argc == 2 ? getpwnam(argv[1]) : 0;
    if (!pw || authenticate(pw->pw_name) != 0)
        return 1;
    if (setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
        return 1;
    execl("/usr/bin/kiosk-session", "kiosk-session", (char *)0);
    return 1;
}
