#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8

static void *loaded[SLOTS];
static unsigned used;

int keep(const char *path)
{
    if (used == SLOTS)
        return -1;
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        return -1;
    loaded[used++] = library;
    return 0;
}

char *beside(const char *folder, const char *leaf)
{
    size_t size = strlen(folder) + strlen(leaf) + 2;
    char *made = malloc(size);
    if (made)
        snprintf(made, size, "%s/%s", folder, leaf);
    return made;
}

int take(const unsigned char *from, size_t count, char *into, size_t room)
{
    if (count >= room)
        return -1;
    memcpy(into, from, count);
    into[count] = '\0';
    return 0;
}
