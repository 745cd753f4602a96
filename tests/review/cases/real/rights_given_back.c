/* Rights that are given back, beside rights that are given up and never asked about. */

#include <dlfcn.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

struct saved {
    gid_t *groups;
    int count;
    uid_t user;
};

int lend_rights(struct saved *s, uid_t user, gid_t group)
{
    s->count = getgroups(0, NULL);
    s->groups = calloc(s->count + 1, sizeof *s->groups);
    if (s->groups == NULL || getgroups(s->count, s->groups) < 0)
        return -1;
    s->user = geteuid();
    if (setgroups(0, NULL) != 0)
        return -1;
    if (setegid(group) != 0) {
        (void)setgroups(s->count, s->groups); //! none CWE-252
        return -1;
    }
    if (seteuid(user) != 0) {
        (void)setgroups(s->count, s->groups); //! none CWE-252 CWE-269
        return -1;
    }
    return 0;
}

int as_the_user(uid_t user, gid_t group, int (*work)(void))
{
    gid_t before = getegid();
    uid_t mine = geteuid();
    int result;

    if (setregid(-1, group) < 0)
        return -1;
    if (setreuid(-1, user) < 0) {
        if (setregid(-1, before) < 0) //! none CWE-269
            abort();
        return -1;
    }
    result = work();
    if (setreuid(-1, mine) < 0)
        result = -1;
    if (setregid(-1, before) < 0) //! none CWE-269
        result = -1;
    return result;
}

int in_the_wrong_order(uid_t user, gid_t group)
{
    if (setuid(user) != 0)
        return -1;
    if (setgid(group) != 0) //! CWE-269
        return -1;
    return 0;
}

void *unasked(const char *path, uid_t user, gid_t group)
{
    gid_t before = getegid();

    (void)setgroups(1, &group); //! CWE-252
    if (setuid(user) != 0 || before == 0)
        return NULL;
    return dlopen("/usr/lib/worker/worker.so", RTLD_NOW);
}
