/* a macro that casts with typeof is read; the entry is called untested, and kept after the close */
#include <dlfcn.h>
#include <stddef.h>

struct api { int (*draw)(int); int (*read)(void); };
#define LOOKUP(name) api.name = (__typeof__(api.name))dlsym(handle, "gfx_" #name)

static struct api api;
static void *handle;

int start(void)
{
    handle = dlopen("/usr/lib/gfx/gl.so", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return -1;
    LOOKUP(draw);
    LOOKUP(read); /* expect: CWE-252 */
    if (api.draw == NULL) {
        dlclose(handle);
        handle = NULL;
        return -1;
    }
    return 0;
}

int read_back(void)
{
    return api.read(); /* expect: CWE-690 */
}
