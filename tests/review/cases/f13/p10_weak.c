/* thumbs: asks helper tools about modules */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;

int strip_module(const char *file)
{
    char cmd[600];
    snprintf(cmd, sizeof cmd, "strip -g '%s'", file);
    return system(cmd);  //! CWE-78
}
int main(int argc, char **argv)
{
    void *h;
    if (argc < 2 || strip_module(argv[1]) != 0)
        return 1;
    if (argv[1][0] != '/')
        return 1;
    h = dlopen(argv[1], RTLD_NOW);
    if (!h) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    dlclose(h);
    return 0;
}
