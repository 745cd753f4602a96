/* formats and variable lists that read what nobody handed over */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
void tell(const char *path, size_t count, uint64_t offset, int width)
{
    fprintf(stderr, "cannot load %s: %s\n", dlerror()); //! CWE-628
    fprintf(stderr, "cannot load %s: %s\n", path, dlerror()); //! none
    printf("%d symbols\n", count); //! CWE-686
    printf("%zu symbols\n", count); //! none
    printf("at %" PRIu64 " of %s\n", offset, path); //! none
    printf("%*s %.*s %5.1f%%\n", width, path, width, path, 1.0); //! none
    printf("%s symbols\n", width); //! CWE-686
    printf("%d\n", (int)count); //! none
}
int start(const char *tool, const char *library)
{
    if (fork() == 0)
        return execl(tool, tool, library); //! CWE-628
    return execl(tool, tool, library, (char *)NULL); //! none CWE-628
}
int first_of(int count, ...)
{
    va_list list;
    int first;
    va_start(list, count);
    first = va_arg(list, char); //! CWE-686
    first += va_arg(list, int); //! none
    va_end(list);
    return first;
}
