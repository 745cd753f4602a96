// a reference and a stream set what they are handed
#include <dlfcn.h>
#include <iostream>
bool parse(const char *text, int &version);
int version_of(void *library)
{
    int version, count;
    parse(static_cast<const char *>(dlsym(library, "version")), version);
    std::cin >> count;
    return version + count; //! none CWE-457
}
int other_version_of(void *library, bool known)
{
    int version;
    if (known)
        version = *static_cast<int *>(dlsym(library, "version"));
    return version; //! CWE-457
}
