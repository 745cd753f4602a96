/* sensors: probe plugins, error idiom and cleanup */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct sensor { char id[16]; double (*sample)(void); void *so; };
static struct sensor sensors[24];
static size_t nsensors;

static int add(const char *file)
{
    char *msg;
    struct sensor *s;
    double (*fn)(void);
    const char **id;
    void *so = dlopen(file, RTLD_NOW);
    if (so == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return -ENOENT;
    }
    dlerror();
    *(void **)(&fn) = dlsym(so, "sensor_sample");
    if ((msg = dlerror()) != NULL) {
        fprintf(stderr, "%s\n", msg);
        dlclose(so);
        return -ENOSYS;
    }
    id = dlsym(so, "sensor_id");
    if (id == NULL || nsensors == sizeof sensors / sizeof sensors[0]) {
        dlclose(so);
        return -ENOSPC;
    }
    s = &sensors[nsensors++];
    snprintf(s->id, sizeof s->id, "%s", *id);  //! none
    s->sample = fn;
    s->so = so;
    return 0;
}

int sensors_scan(const char *dir)
{
    struct dirent *e;
    char path[PATH_MAX];
    int failed = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return -errno;
    while ((e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 3, ".so") != 0)
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
            continue;
        if (add(path) != 0)
            failed++;
    }
    closedir(d);
    return failed;
}

void sensors_clear(void)
{
    size_t i;
    for (i = 0; i < nsensors; i++) {
        printf("last %s: %f\n", sensors[i].id, sensors[i].sample());
        dlclose(sensors[i].so);
    }  //! none
    nsensors = 0;
}
