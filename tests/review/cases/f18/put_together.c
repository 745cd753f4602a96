/* each text that is put together in a block counts by itself; a scanned word is no longer than what it is in */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *find(void *library, const char *name, const char *layout)
{
    char *made = malloc(strlen(name) + strlen(layout) + 1); //! none
    void *symbol;

    if (made == NULL)
        return NULL;
    sprintf(made, layout, name);
    symbol = dlsym(library, made);
    if (symbol == NULL) {
        sprintf(made, "_VERY_LONG_%s_options", name);
        symbol = dlsym(library, made);
    }
    free(made);
    return symbol;
}
char *beside(char *path, int up)
{
    char *longer;

    if (up) {
        longer = realloc(path, strlen(path) + 6); //! none
        if (longer)
            strcat(longer, "/lib/");
        return longer;
    }
    longer = realloc(path, strlen(path) + 6); //! none
    if (longer)
        strcat(longer, "/lib/");
    return longer;
}
char *beside_short(char *path)
{
    char *longer = realloc(path, strlen(path) + 5); //! CWE-131

    if (longer)
        strcat(longer, "/lib/");
    return longer;
}
void *own_folder(FILE *maps)
{
    char line[1024], dir[1024], tag[10], rest[6], word[40];

    while (fgets(line, 1024, maps)) {
        if (sscanf(line, "%*x-%*x %s", dir) == 1) //! none
            return dlopen(dir, RTLD_NOW);
        memcpy(tag, line, 9);
        tag[9] = '\0';
        if (sscanf(tag + 4, "%s", rest) == 1) //! none
            puts(rest);
        if (sscanf(line, "name %s", word) == 1) //! CWE-120
            puts(word);
    }
    return NULL;
}
void give(int target)
{
    int fd = open("/dev/null", O_RDWR);

    if (fd == -1)
        return;
    if (fd == target || fd == 2) //! none
        return;
    dup2(fd, target);
    close(fd);
}
