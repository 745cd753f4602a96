/* netscan: probes run as root, started by cron or by the user through sudo */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define FIXED "/usr/libexec/netscan"

static const char *probe_dir(void)
{
    return FIXED;  //! none
}
static int drop(uid_t u, gid_t g)
{
    if (setgid(g) != 0 || setuid(u) != 0)
        return -1;
    return 0;  //! none
}
int main(int argc, char **argv)
{
    char p[512];
    int (*probe)(const char *);
    void *h;
    if (argc != 2)
        return 2;
    if (drop(getuid(), getgid()) != 0)
        return 3;
    if (snprintf(p, sizeof p, "%s/tcp.so", probe_dir()) >= (int)sizeof p)
        return 2;
    h = dlopen(p, RTLD_NOW);
    if (h == NULL) {
        fprintf(stderr, "netscan: %s\n", dlerror());
        return 1;
    }
    probe = (int (*)(const char *))dlsym(h, "probe");
    if (probe == NULL) {
        dlclose(h);
        return 1;
    }
    probe(argv[1]);
    dlclose(h);
    return 0;
}
