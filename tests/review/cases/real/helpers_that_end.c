/* Whose status is asked for: of a program that did its work; not of one that is only cleaned up after a failure. */

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int compiled(const char *source, char **text)
{
    pid_t child = fork();

    if (child < 0)
        return -1;
    if (child == 0) {
        execl("/usr/bin/cc", "cc", "-shared", "-o", "/var/lib/made/one.so", "--", source, (char *)NULL);
        _exit(127);
    }
    *text = malloc(100);
    if (*text == NULL) {
        waitpid(child, NULL, 0); //! none CWE-252
        return -1;
    }
    waitpid(child, NULL, 0); //! CWE-252
    return dlopen("/var/lib/made/one.so", RTLD_NOW) != NULL;
}
