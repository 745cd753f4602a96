#include <dlfcn.h>
#include <sys/stat.h>

void *make_and_load(const char *directory, const char *path)
{
    mode_t old = umask(0);
    mkdir(directory, 0777); //! CWE-732
    umask(old);
    return dlopen(path, RTLD_NOW);
}
