/* Lengths that a text would have had, sizes of pointers, widths of scanf. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct pack {
    char names[8][32];
    int count;
};

void *pack_open(const char *folder, const char *name)
{
    char file[160];
    int end = snprintf(file, sizeof file, "%s/packs/", folder);

    snprintf(file + end, sizeof file - end, "%s.so", name); //! CWE-787
    return dlopen(file, RTLD_NOW);
}

void *pack_open_if_short(const char *folder, const char *name)
{
    char file[160];
    int end = snprintf(file, sizeof file, "%s/packs/", folder);

    if (end < 0 || (size_t)end >= sizeof file)
        return NULL;
    snprintf(file + end, sizeof file - end, "%s.so", name); //! none CWE-787
    return dlopen(file, RTLD_NOW);
}

void pack_list(const struct pack *pack, char *out, size_t room)
{
    size_t end = 0;

    for (int i = 0; i < pack->count; i++)
        end += snprintf(out + end, room - end, "%s ", pack->names[i]); //! CWE-787
}

void pack_list_what_fits(const struct pack *pack, char *out, size_t room)
{
    size_t end = 0;

    for (int i = 0; i < pack->count && end < room; i++)
        end += snprintf(out + end, room - end, "%s ", pack->names[i]); //! none CWE-787
}

void pack_label(char *out, const struct pack *pack)
{
    snprintf(out, sizeof out, "%s", pack->names[0]); //! CWE-131
}

void pack_label_in(char *out, size_t room, const struct pack *pack)
{
    snprintf(out, room, "%s", pack->names[0]); //! none CWE-131
}

int pack_read(const char *line)
{
    char name[32], value[64];

    return sscanf(line, "%32s %63s", name, value) == 2; //! CWE-787
}

int pack_read_in(const char *line)
{
    char name[33], value[64];

    return sscanf(line, "%32s %63s", name, value) == 2; //! none CWE-787
}
