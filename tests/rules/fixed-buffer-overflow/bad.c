#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8

static void *loaded[SLOTS];
static unsigned used;

int keep(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        return -1;
    loaded[used++] = library;  /* bad */
    return 0;
}

char *beside(const char *folder, const char *leaf)
{
    char *made = malloc(strlen(folder) + strlen(leaf));  /* bad */
    if (made)
        sprintf(made, "%s/%s", folder, leaf);
    return made;
}

int take(const unsigned char *from, size_t count, char *into, size_t room)
{
    if (count > room)
        return -1;
    memcpy(into, from, count);
    into[count] = '\0';  /* bad */
    return 0;
}
