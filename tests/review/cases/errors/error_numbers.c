/* error numbers read after another call, and asked alone */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int header_of(const char *path, char *header)
{
    int file = open(path, O_RDONLY);
    if (file < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        return -errno; //! CWE-391
    }
    if (read(file, header, 4) < 0) {
        int number = errno; //! none CWE-391
        close(file);
        return -number;
    }
    close(file);
    return 0;
}
long version_of(void *library)
{
    const char *text = dlsym(library, "version");
    long version = text ? strtol(text, NULL, 10) : 0;
    if (errno == ERANGE) //! CWE-253
        return -1;
    return version;
}
long version_of_well(void *library)
{
    const char *text = dlsym(library, "version");
    long version;
    errno = 0;
    version = text ? strtol(text, NULL, 10) : 0;
    if (errno == ERANGE) //! none CWE-253
        return -1;
    return version;
}
