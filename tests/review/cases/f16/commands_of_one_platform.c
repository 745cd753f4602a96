#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* A file that loads is read whole: commands of the platform that is not the first are asked about too. */

int has_codec(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    dlclose(handle);
    return 1;
}

int convert(void)
{
#if defined(__EMX__) || defined(__MINGW32__)
    return 0;
#else
    char command[512];
    const char *source = getenv("CONVERT_FROM");
    if (source == NULL)
        return 0;
    snprintf(command, sizeof command, "convert %s out.png", source);
    return system(command); //! CWE-78
#endif
}
