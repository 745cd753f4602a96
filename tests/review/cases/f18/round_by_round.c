/* what an earlier round of a loop loaded is not what this round loads, and closes */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct module {
    void *so;
    int (*run)(const char *text);
    const char *(*folder)(int index);
};

static struct module modules[16];
static size_t count;

static void module_close(struct module *m)
{
    if (m->so)
        dlclose(m->so); //! none
    m->so = NULL;
}
static int module_open(struct module *m, const char *path)
{
    memset(m, 0, sizeof *m);
    m->so = dlopen(path, RTLD_NOW);
    if (!m->so)
        return -ENOEXEC;
    m->run = (int (*)(const char *))dlsym(m->so, "run");
    m->folder = (const char *(*)(int))dlsym(m->so, "folder");
    if (!m->run || !m->folder) {
        module_close(m);
        return -ENOENT;
    }
    return 0;
}
int read_list(int fd)
{
    char line[512];
    FILE *list = fdopen(fd, "r");

    if (!list) {
        close(fd);
        return -errno;
    }
    while (count < 16 && fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = '\0';
        if (module_open(&modules[count], line) == 0)
            count++;
    }
    return fclose(list); //! none
}
int from_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (read_list(fd) != 0)
        return -EIO; //! none
    return 0; //! none
}
void deliver(const char *text)
{
    for (size_t i = 0; i < count; i++) {
        int n = modules[i].run(text); //! none
        if (n >= 0)
            puts(modules[i].folder(n)); //! none
    }
}
int start(const char *path)
{
    struct module *m = calloc(1, sizeof *m);
    int rc;

    if (m == NULL)
        return -ENOMEM;
    rc = module_open(m, path);
    if (rc == 0 && m->run("") != 0) //! none
        rc = -EPROTO;
    if (rc < 0) {
        module_close(m);
        free(m);
        return rc;
    }
    m->folder(rc); //! none
    module_close(m);
    free(m);
    return 0;
}
