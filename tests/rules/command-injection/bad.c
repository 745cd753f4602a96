#include <stdio.h>
#include <stdlib.h>

int show_dependencies(const char *library)
{
    char command[512];
    snprintf(command, sizeof command, "ldd %s", library);
    return system(command);  /* bad */
}
