#include <dlfcn.h>

typedef int (*counter)(int);

int total(void *library)
{
    int (*count)(int) = (int (*)(int number))dlsym(library, "count"); /* good */
    int (*again)(int) = (int (*)(int))dlsym(library, "count");
    counter third = (counter)dlsym(library, "count");
    void (*generic)(void) = (void (*)(void))dlsym(library, "count");
    if (!count || !again || !third || !generic)
        return -1;
    return count(1) + again(1) + third(1);
}

int elsewhere(void *library)
{
    char *(*name)(int) = (char *(*)(int))dlsym(library, "count");
    return name ? name(1)[0] : -1;
}

int by_system(void *library)
{
#ifdef _WIN32
    int (*start)(int) = (int (*)(int))dlsym(library, "start");
#else
    int (*start)(void) = (int (*)(void))dlsym(library, "start");
#endif
    return start != 0;
}

int of_two(void *one, void *other)
{
    int (*a)(int) = (int (*)(int))dlsym(one, "start");
    int (*b)(void) = (int (*)(void))dlsym(other, "start");
    return a && b;
}
