#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
    char label[32];
    void *library;
};

static char last[64];

int attach(struct entry *e, const char *line)
{
    char word[40];
    const char *(*label)(void);

    if (sscanf(line, "attach %s", word) != 1)  /* bad */
        return -1;
    e->library = dlopen("/usr/lib/demo/base.so", RTLD_NOW);
    if (!e->library)
        return -1;
    label = (const char *(*)(void))dlsym(e->library, "label");
    if (!label)
        return -1;
    const char *theirs = label();
    strcpy(e->label, theirs);  /* bad */
    strcpy(last, theirs);  /* bad */
    return 0;
}

int where(void)
{
    char path[256];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);

    if (n < 0)
        return -1;
    path[n] = '\0';  /* bad */
    return dlopen(path, RTLD_NOW) != NULL;
}

char *file_of(const char *folder, const char *name)
{
    char *made = malloc(strlen(folder) + strlen(name) + 2);  /* bad */

    if (made == NULL)
        return NULL;
    sprintf(made, "%s/%s.so", folder, name);
    return made;
}
