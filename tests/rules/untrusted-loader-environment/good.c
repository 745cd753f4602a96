#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int launch(char *const argv[])
{
    if (setenv("LD_LIBRARY_PATH", "/opt/app/lib", 1) != 0)
        return -1;
    return execv("/opt/app/bin/tool", argv);
}
