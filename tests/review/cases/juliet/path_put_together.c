#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

int system_tools(void)
{
    char room[250] = "PATH=", *line = room;
    strcat(line, "/usr/bin");
    return putenv(line); //! none
}

int tools_of_the_environment(void)
{
    char room[250] = "PATH=";
    char *line = room;
    size_t used = strlen(line);
    char *more = getenv("TOOLS");
    if (more != NULL)
        strncat(line + used, more, 250 - used - 1);
    return putenv(line); //! CWE-15/CWE-427
}
