#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program that makes a library may fail: its status is looked at before what lies there is loaded. */

int build(char *const *argv, char *const *environ)
{
    pid_t pid;
    int ended;

    if (posix_spawn(&pid, "/usr/bin/cc", NULL, NULL, argv, environ) != 0)
        return -1;
    waitpid(pid, &ended, 0); //! CWE-252
    return 0;
}

int link_it(char *const *argv)
{
    pid_t pid = fork();
    int st = 0;

    if (pid < 0)
        return -1;
    if (pid == 0) {
        execv("/usr/bin/ld", argv);
        _exit(127);
    }
    if (waitpid(pid, &st, 0) < 0) //! CWE-252
        return -1;
    return 0;
}

void *made(void)
{
    system("/usr/bin/make -s -C /srv/rules rules.so"); //! CWE-252
    return dlopen("/srv/rules/rules.so", RTLD_NOW);
}

/* Looked at. */

int build_well(char *const *argv)
{
    pid_t pid = fork();
    int st;

    if (pid < 0)
        return -1;
    if (pid == 0) {
        execv("/usr/bin/ld", argv);
        _exit(127);
    }
    if (waitpid(pid, &st, 0) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != 0) //! none CWE-252
        return -1;
    return 0;
}

void *made_well(void)
{
    if (system("/usr/bin/make -s -C /srv/rules rules.so") != 0) //! none CWE-252
        return NULL;
    return dlopen("/srv/rules/rules.so", RTLD_NOW);
}

int detached(void)
{
    pid_t pid = fork();
    int st;

    if (pid == 0)
        _exit(fork() == 0 ? 0 : 1);
    waitpid(pid, &st, 0); //! none CWE-252
    return 0;
}
