#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int launch(char *const argv[])
{
    char value[8192];
    const char *old = getenv("LD_LIBRARY_PATH");
    snprintf(value, sizeof value, "/opt/app/lib:%s", old);
    if (setenv("LD_LIBRARY_PATH", value, 1) != 0)  /* bad */
        return -1;
    return execv("/opt/app/bin/tool", argv);
}
