/* A variable with the name of a function of the system, a static of main, and a table that one call alone has. */
#include <dlfcn.h>
#include <stdio.h>

typedef int (*step_t)(void *host);

static struct { void *library; step_t open; } host;

int begin(const char *path, void *vm)
{
    step_t open;
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        return -1;
    *(void **)&open = dlsym(library, "plug_open");
    if (open == NULL) {
        dlclose(library);
        return -1;
    }
    host.library = library;
    host.open = open;
    return open(vm) == 0 ? 0 : -1;  //! none CWE-253
}

struct driver {
    void *library;
    step_t run, stop;
};

static int load(struct driver *d, const char *path)
{
    d->library = dlopen(path, RTLD_NOW);
    if (d->library == NULL)
        return 0;
    d->run = (step_t)dlsym(d->library, "run");
    d->stop = (step_t)dlsym(d->library, "stop");
    if (d->run == NULL || d->stop == NULL) {
        dlclose(d->library);
        d->library = NULL;
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    static struct driver d;
    if (argc != 2 || !load(&d, "/usr/lib/desk/driver.so"))
        return 1;
    d.run(argv);   //! none CWE-416
    d.stop(argv);  //! none CWE-416
    dlclose(d.library);
    return 0;
}
