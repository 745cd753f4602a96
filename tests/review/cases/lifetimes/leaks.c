// What a plug-in host opens on its way and forgets on one exit.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
struct mod { void *handle; char *name; int fd; int (*init)(void); };
int manifest_ok(const char *path)
{
    char head[8];
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    if (read(fd, head, sizeof head) != sizeof head)
        return -1; //! CWE-772/775/404/403
    close(fd);
    return memcmp(head, "MODv0001", 8) == 0;
}
int manifest_ok_b(const char *path)
{
    char head[8];
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1; //! none
    if (read(fd, head, sizeof head) != sizeof head) {
        close(fd);
        return -1; //! none
    }
    close(fd);
    return memcmp(head, "MODv0001", 8) == 0;
}
int read_list(const char *path, struct mod *m)
{
    char line[256];
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        m->handle = dlopen(line, RTLD_NOW);
        if (!m->handle)
            return -1; //! CWE-772/775/404
    }
    fclose(f);
    return 0;
}
int read_list_b(const char *path, struct mod *m)
{
    char line[256];
    int rc = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        m->handle = dlopen(line, RTLD_NOW);
        if (!m->handle) {
            rc = -1;
            break;
        }
    }
    fclose(f);
    return rc; //! none
}
int scan(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    if (!d)
        return 0;
    while ((e = readdir(d))) {
        if (strcmp(e->d_name, "core.so") == 0)
            return 1; //! CWE-772/775/404
    }
    closedir(d);
    return 0;
}
int scan_b(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    int found = 0;
    if (!d)
        return 0;
    while (!found && (e = readdir(d)))
        found = strcmp(e->d_name, "core.so") == 0;
    closedir(d);
    return found; //! none
}
long elf_type(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || st.st_size < 64) {
        close(fd);
        return -1;
    }
    unsigned char *map = mmap(0, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return -1;
    if (memcmp(map, "\177ELF", 4))
        return -1; //! CWE-401/404/772
    long t = map[16];
    munmap(map, st.st_size);
    return t;
}
long elf_type_b(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || st.st_size < 64) {
        close(fd);
        return -1;
    }
    unsigned char *map = mmap(0, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return -1;
    long t = -1;
    if (!memcmp(map, "\177ELF", 4))
        t = map[16];
    munmap(map, st.st_size);
    return t; //! none
}
void *open_named(const char *dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/lib%s.so", dir, name) < 0)
        return NULL;
    void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!h)
        return NULL; //! CWE-401/772/404
    free(path);
    return h;
}
void *open_named_b(const char *dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/lib%s.so", dir, name) < 0)
        return NULL;
    void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    return h; //! none
}
struct mod *make(const char *path)
{
    struct mod *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->name = strdup(path);
    m->handle = dlopen(path, RTLD_NOW);
    if (!m->handle) {
        free(m);
        return NULL;
    }
    return m;
}
struct mod *make_b(const char *path)
{
    struct mod *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->name = strdup(path);
    m->handle = dlopen(path, RTLD_NOW);
    if (!m->handle) {
        free(m->name);
        free(m); //! none
        return NULL;
    }
    return m;
}
struct mod *make2(const char *path)
{
    struct mod *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->handle = dlopen(path, RTLD_NOW);
    if (!m->handle) {
        free(m);
        return NULL;
    }
    m->init = (int (*)(void))dlsym(m->handle, "mod_init");
    if (!m->init) {
        free(m);
        return NULL;
    }
    return m;
}
int ask_server(struct mod *m, const char *req)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0)
        return -1;
    if (m->init() != 0) {
        fprintf(stderr, "%s: init\n", m->name);
        return -1; //! CWE-772/775/404
    }
    write(s, req, strlen(req));
    close(s);
    return 0;
}
int twice_opened(struct mod *m)
{
    m->fd = open("/run/host.lock", O_RDWR);
    if (m->fd < 0)
        return -1;
    m->handle = dlopen("libm1.so", RTLD_NOW);
    if (!m->handle) {
        close(m->fd);
        return -1; //! none
    }
    return 0;
}
static int grown(char ***list, int n)
{
    *list = realloc(*list, n * sizeof **list);
    return *list != NULL;
}
static int grown_b(char ***list, int n)
{
    char **more = realloc(*list, n * sizeof **list); //! none
    if (!more)
        return 0;
    *list = more;
    return 1;
}
static int open_log(void)
{
    int fd = open("/var/log/host.log", O_WRONLY | O_APPEND);
    return fd;
}
int start(const char *path)
{
    int log = open_log();
    if (log < 0)
        return -1;
    void *h = dlopen(path, RTLD_NOW);
    if (!h)
        return -1; //! CWE-772/775/404
    dprintf(log, "loaded %s\n", path);
    close(log);
    dlclose(h);
    return 0;
}
