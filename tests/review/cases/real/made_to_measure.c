#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct sheet { char fields[4][255]; char *free; char path[PATH_MAX]; };
struct list { int chosen; int all; };
int chosen_of(const struct list *list);
int all_of(const struct list *list);

static const char *const table[] = { "TT2", "TIT2", "TP1", "TPE1", NULL };

void *put_together(const char *key, const char *value, size_t valuelen)
{
    size_t keylen = strlen(key);
    size_t len = keylen + valuelen + 1;
    char both[len];
    char few[8];
    memcpy(both, key, keylen); //! none CWE-787/120
    both[keylen] = 0;
    memcpy(both + keylen + 1, value, valuelen);
    memcpy(few, key, keylen); //! CWE-787/120
    return dlopen(both, RTLD_NOW);
}

void rename_frame(char *to, int old, const char *other)
{
    char frame[5];
    for (int n = 0; table[n]; n += 2) {
        const char *name = old ? table[n] : table[n + 1];
        strcpy(frame, name); //! none CWE-787/120
        const char *theirs = old ? table[n] : other;
        strcpy(frame, theirs); //! CWE-787/120
    }
    memcpy(to, frame, 4);
}

void take_path(struct sheet *sheet)
{
    char *name = sheet->fields[0];
    char *longer = sheet->free;
    if (name[0] == '/')
        strcpy(sheet->path, name); //! none CWE-787/120
    else
        strcpy(sheet->path, longer); //! CWE-787/120
}

void **gather(const struct list *list, void **from)
{
    const int chosen = chosen_of(list);
    const int rest = all_of(list) - chosen;
    void **items;
    int n = 0;
    if (chosen == 0 && rest == 0)
        return NULL;
    if (chosen > rest)
        items = calloc(rest, sizeof(void *));
    else
        items = calloc(chosen, sizeof(void *));
    if (items == NULL)
        return NULL;
    for (; *from; from++)
        items[n++] = *from; //! none CWE-787
    return items;
}
