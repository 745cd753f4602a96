/* icdpick: chooses and loads a graphics driver. Used by a set-user-ID display server too. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ICD_DIR "/usr/share/icdpick/icd.d"

typedef void *(*get_proc_fn)(const char *);

struct icd {
    void *library;
    get_proc_fn get_proc;
    void (*flush)(void);
};

static struct icd active;

static int read_line(const char *file, char *buf, int cap)
{
    FILE *f = fopen(file, "re");
    char *nl;

    if (!f)
        return -1;
    if (!fgets(buf, cap, f)) {
        fclose(f);
        return -1;
    }
    fclose(f);
    nl = strchr(buf, '\n');
    if (!nl)
        return -1;
    *nl = '\0';
    return 0;
}

static int try_icd(const char *lib)
{
    void *h = dlopen(lib, RTLD_LAZY | RTLD_LOCAL); //! CWE-114
    int (*negotiate)(unsigned *);
    unsigned version = 5;

    if (!h)
        return -1;
    negotiate = (int (*)(unsigned *))dlsym(h, "icd_negotiate");
    active.get_proc = (get_proc_fn)dlsym(h, "icd_get_proc");
    if (!negotiate || !active.get_proc) {
        dlclose(h);
        return -1;
    }
    if (negotiate(&version) != 0) {
        dlclose(h);
        active.flush = (void (*)(void))active.get_proc("flush"); //! CWE-416
        return -1;
    }
    active.flush = (void (*)(void))active.get_proc("flush");
    if (!active.flush) {
        active.get_proc = NULL;
        dlclose(h);
        return -1;
    }
    active.library = h;
    return 0;
}

static int by_environment(void)
{
    const char *list = getenv("ICDPICK_DRIVERS");
    char *copy, *word, *save = NULL;
    int rc = -1;

    if (!list)
        return -1;
    copy = strdup(list);
    if (!copy)
        return -1;
    for (word = strtok_r(copy, ":", &save); word && rc != 0; word = strtok_r(NULL, ":", &save))
        rc = try_icd(word);
    free(copy);
    return rc;
}

int icd_pick(void)
{
    char line[512], file[1024];
    struct dirent *e;
    DIR *d;
    int rc;

    if (active.library)
        return 0;
    if (by_environment() == 0)
        return 0;
    d = opendir(ICD_DIR);
    if (!d)
        return -1;
    rc = -1;
    while (rc != 0 && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, ICD_DIR "/%s", e->d_name);
        if (read_line(file, line, sizeof line) == 0 && line[0] == '/')
            rc = try_icd(line);
    }
    closedir(d);
    return rc;
}
