/* Entries called by a name from outside, members of archives written where they say. */
#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*op_fn)(const char *);

struct member { char name[100]; char size[12]; };

int serve(void *lib, FILE *in)
{
    char op[64], arg[128];
    while (fscanf(in, "%63s %127s", op, arg) == 2) {
        op_fn fn = (op_fn)dlsym(lib, op);
        if (fn)
            fn(arg);
    }
    return 0;
}

static const char *const allowed[] = {"open", "list", "close"};

int serve_known(void *lib, FILE *in)
{
    char op[64];
    while (fscanf(in, "%63s", op) == 1) {
        for (size_t i = 0; i < 3; i++)
            if (strcmp(op, allowed[i]) == 0) {
                op_fn fn = (op_fn)dlsym(lib, allowed[i]); //! none
                if (fn)
                    fn("");
            }
    }
    return 0;
}

int unpack_own(int in, const char *dir)
{
    struct member m;
    char path[300], block[512];
    while (read(in, &m, sizeof m) == (ssize_t)sizeof m) {
        m.name[sizeof m.name - 1] = 0;
        snprintf(path, sizeof path, "%s/%s", dir, m.name);
        int out = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755); //! CWE-22/23/73
        if (out < 0)
            return -1;
        ssize_t n = read(in, block, sizeof block);
        if (n > 0 && write(out, block, (size_t)n) != n)
            unlink(path);
        close(out);
        void *lib = dlopen(path, RTLD_NOW);
        if (!lib)
            return -1;
    }
    return 0;
}

int unpack_checked(int in, const char *dir)
{
    struct member m;
    char path[300];
    while (read(in, &m, sizeof m) == (ssize_t)sizeof m) {
        m.name[sizeof m.name - 1] = 0;
        if (strchr(m.name, '/') || m.name[0] == '.')
            return -1;
        snprintf(path, sizeof path, "%s/%s", dir, m.name);
        int out = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755); //! none CWE-22
        if (out < 0)
            return -1;
        close(out);
    }
    return 0;
}

int unpack_libarchive(struct archive *a, const char *dir)
{
    struct archive_entry *e;
    char path[512];
    while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
        snprintf(path, sizeof path, "%s/%s", dir, archive_entry_pathname(e));
        FILE *f = fopen(path, "wb");
        if (!f)
            return -1;
        fclose(f);
    }
    return 0;
}

int fetch_and_store(int s, const char *dir)
{
    char head[256], path[512];
    ssize_t n = read(s, head, sizeof head - 1);
    if (n <= 0)
        return -1;
    head[n] = 0;
    char *name = strstr(head, "filename=");
    if (!name)
        return -1;
    name += strlen("filename=");
    name[strcspn(name, "\r\n")] = 0;
    strcpy(path, "/var/lib/host/");
    strncat(path, name, sizeof path - strlen(path) - 1);
    FILE *f = fopen(path, "wb"); //! CWE-22/23/73
    if (!f)
        return -1;
    fclose(f);
    return remove(path); //! none CWE-252
}

int main(int argc, char **argv)
{
    void *lib = dlopen("/usr/lib/host/ops.so", RTLD_NOW);
    if (!lib || argc < 2)
        return 1;
    serve(lib, stdin);
    serve_known(lib, stdin);
    unpack_own(0, argv[1]);
    unpack_checked(0, argv[1]);
    fetch_and_store(0, argv[1]);
    dlclose(lib);
    return 0;
}
