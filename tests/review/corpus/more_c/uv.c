#include <uv.h>
#include <stdio.h>

int load(const char *file)
{
    uv_lib_t lib;
    void (*init)(void);
    if (uv_dlopen(file, &lib)) {
        fprintf(stderr, "%s\n", uv_dlerror(&lib));
        uv_dlclose(&lib);
        return -1;
    }
    if (uv_dlsym(&lib, "init", (void **)&init)) {
        uv_dlclose(&lib);
        return -1;
    }
    init();
    uv_dlclose(&lib);
    return 0;
}
