#include <dlfcn.h>
#include <sys/stat.h>

void *load_trusted(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    if (st.st_uid != 0 || (st.st_mode & 022))
        return 0;
    return dlopen(path, RTLD_NOW);  /* bad */
}
