#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_AND_TEXT(t) (int)(t).length, (t).data

struct text { int length; const char *data; };
struct shared { struct shared *next; char *name; int refcount; };
typedef int status_t;
typedef struct user { struct shared *data; } *user_t;
static struct shared *every;

status_t prepare(void);

int tell(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    int works = library != NULL;
    if (!works) {
        fprintf(stderr, "%s: %d\n", path, works); //! none CWE-476
        return 1;
    }
    dlclose(library);
    return 0;
}

int tell_name(const char *name)
{
    if (!name) {
        fprintf(stderr, "no library is called %s\n", name); //! CWE-476
        return 1;
    }
    return 0;
}

void tell_text(char *to, size_t room, struct text text)
{
    snprintf(to, room, "%.*s", LENGTH_AND_TEXT(text)); //! none CWE-628
    snprintf(to, room, "%.*s", text.length); //! CWE-628
}

status_t use(const char *name, user_t *out)
{
    status_t failed = prepare();
    struct shared *one;
    user_t user;

    if (failed)
        return failed; //! none CWE-911
    user = calloc(1, sizeof(*user));
    if (!user)
        return ENOMEM;
    for (one = every; one; one = one->next)
        if (!strcmp(one->name, name))
            break;
    if (one)
        one->refcount++;
    user->data = one;
    *out = user;
    return 0;
}

void drop(user_t user)
{
    if (--user->data->refcount == 0)
        free(user->data);
    free(user);
}
