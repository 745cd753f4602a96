#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

int show_dependencies(char *library)
{
    char *argv[] = {"/usr/bin/readelf", "-d", "--", library, NULL};
    return execv(argv[0], argv);
}
