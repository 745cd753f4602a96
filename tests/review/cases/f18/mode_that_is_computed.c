#include <dlfcn.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    mode_t mode = 0, sum = 0, shared = 0600;
    for (char *s = argv[2]; *s; ++s) {
        mode <<= 3;
        mode |= (*s - '0');
        sum = sum * 8 + (*s - '0');
    }
    if (mode && chmod(argv[1], mode)) //! none CWE-732
        return 1;
    chmod("/opt/x/plugins/a.so", sum); //! none CWE-732
    shared |= 066;
    chmod("/opt/x/plugins/b.so", shared); //! CWE-732
    shared &= ~022;
    chmod("/opt/x/plugins/c.so", shared); //! none CWE-732
    return dlopen("/opt/x/plugins/a.so", RTLD_NOW) == 0;
}
