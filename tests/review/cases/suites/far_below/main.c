#include <dlfcn.h>
#include <stdio.h>

void begin_session(const char *given);

int main(int argc, char **argv)
{
    void *codec = dlopen("libcodec.so.1", RTLD_NOW);
    if (codec == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    begin_session(argc > 1 ? argv[1] : "");
    return dlclose(codec) == 0 ? 0 : 1;
}
