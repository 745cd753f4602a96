#include <dlfcn.h>

int total(void *library)
{
    int (*count)(int) = (int (*)(int))dlsym(library, "count");
    char *(*name)(int) = (char *(*)(int))dlsym(library, "count"); /* bad */
    if (!count || !name)
        return -1;
    return count(1) + name(1)[0];
}

int fewer(void *library)
{
    int (*first)(int, const char *);
    int (*second)(int);
    first = (int (*)(int, const char *))dlsym(library, "start");
    if (!first)
        return -1;
    second = (int (*)(int number))dlsym(library, "start"); /* bad */
    return second ? first(1, "") + second(1) : -1;
}
