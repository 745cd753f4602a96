/* Root's rights are taken first and given up later: the groups are changed as root. */

#include <dlfcn.h>
#include <grp.h>
#include <unistd.h>
#include "ids.h"

int start_helper(uid_t user, gid_t group)
{
    if (setuid(ROOT_UID) != 0)
        return -1;
    if (setgid(group) != 0) //! none CWE-269
        return -1;
    if (setgroups(1, &group) != 0) //! none CWE-269
        return -1;
    return setuid(user);
}

void *one(void)
{
    return dlopen("/usr/lib/one/one.so", RTLD_NOW);
}
