#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>
#include <grp.h>
int jail(const char *dir, uid_t u, gid_t g){
    if (chroot(dir) != 0) return -1; //! CWE-243
    void *h = dlopen("/lib/worker.so", RTLD_NOW); //! CWE-243/250
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    if (setgroups(0, NULL) || setgid(g) || setuid(u)) return -1;
    return 0;
}
int jail_ok(const char *dir, uid_t u, gid_t g){
    if (chroot(dir) != 0 || chdir("/") != 0) return -1;
    if (setgroups(0, NULL) || setgid(g) || setuid(u)) return -1;
    void *h = dlopen("/lib/worker.so", RTLD_NOW); //! none
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    return 0;
}
int jail_nochdir(const char *dir, uid_t u, gid_t g){
    if (chroot(dir) != 0) return -1; //! CWE-243
    if (setgroups(0, NULL) || setgid(g) || setuid(u)) return -1;
    void *h = dlopen("/lib/worker.so", RTLD_NOW);
    if (!h) { fprintf(stderr, "%s\n", dlerror()); return -1; }
    return 0;
}
