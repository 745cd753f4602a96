/* Names that come from outside, and the carriers that take them to a load. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <sqlite3.h>
#include <cjson/cJSON.h>
#include <dbus/dbus.h>
#include <glib.h>

struct settings { char *codec; int level; };
struct host { struct settings set; void *lib; };

static int start(struct host *h)
{
    h->lib = dlopen(h->set.codec, RTLD_NOW); //! CWE-114/426/73
    return h->lib != NULL;
}

static int from_socket(int fd)
{
    char name[64], path[128];
    ssize_t n = recv(fd, name, sizeof name - 1, 0);
    if (n <= 0)
        return -1;
    name[n] = 0;
    snprintf(path, sizeof path, "/usr/lib/host/%s.so", name);
    void *lib = dlopen(path, RTLD_NOW); //! CWE-22/114/73
    return lib ? 0 : -1;
}

static int from_socket_checked(int fd)
{
    char name[64], path[128];
    ssize_t n = recv(fd, name, sizeof name - 1, 0);
    if (n <= 0)
        return -1;
    name[n] = 0;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p))
            return -1;
    snprintf(path, sizeof path, "/usr/lib/host/%s.so", name);
    void *lib = dlopen(path, RTLD_NOW); //! none
    return lib ? 0 : -1;
}

static void *worker(void *arg)
{
    struct settings *s = arg;
    void *lib = dlopen(s->codec, RTLD_NOW);
    if (!lib)
        fprintf(stderr, "%s\n", dlerror());
    return lib;
}

static int from_database(sqlite3_stmt *st)
{
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *file = (const char *)sqlite3_column_text(st, 0);
        void *lib = file ? dlopen(file, RTLD_NOW) : NULL; //! CWE-114/73
        if (!lib)
            return -1;
    }
    return 0;
}

static int from_json(int fd)
{
    char text[4096];
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0)
        return -1;
    text[n] = 0;
    cJSON *root = cJSON_Parse(text);
    cJSON *item = root ? cJSON_GetObjectItem(root, "driver") : NULL;
    if (!cJSON_IsString(item)) {
        cJSON_Delete(root);
        return -1;
    }
    void *lib = dlopen(item->valuestring, RTLD_NOW); //! CWE-114/73
    cJSON_Delete(root);
    return lib ? 0 : -1;
}

static DBusHandlerResult on_load(DBusConnection *c, DBusMessage *m, void *data)
{
    const char *path = NULL;
    if (!dbus_message_get_args(m, NULL, DBUS_TYPE_STRING, &path, DBUS_TYPE_INVALID))
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    *(void **)data = dlopen(path, RTLD_NOW); //! CWE-114/73
    return DBUS_HANDLER_RESULT_HANDLED;
}

static void *from_key_file(void)
{
    GKeyFile *k = g_key_file_new();
    void *lib = NULL;
    if (g_key_file_load_from_file(k, "settings.ini", G_KEY_FILE_NONE, NULL)) {
        char *p = g_key_file_get_string(k, "filter", "module", NULL);
        if (p)
            lib = dlopen(p, RTLD_NOW); //! CWE-114/426/427/73
        g_free(p);
    }
    g_key_file_free(k);
    return lib;
}

struct entry { struct entry *next; char path[200]; };
static struct entry *entries;

static void read_list(const char *file)
{
    char line[256], path[200];
    FILE *f = fopen(file, "r");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "module %199s", path) != 1)
            continue;
        struct entry *e = calloc(1, sizeof *e);
        if (!e)
            break;
        strcpy(e->path, path);
        e->next = entries;
        entries = e;
    }
    fclose(f);
}

static int load_list(void)
{
    for (struct entry *e = entries; e; e = e->next)
        if (!dlopen(e->path, RTLD_NOW)) //! CWE-114/426/73
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct host h = {{0}, NULL};
    struct settings job = {getenv("HOST_CODEC"), 1};
    pthread_t t;
    int c;
    while ((c = getopt(argc, argv, "c:")) != -1)
        if (c == 'c')
            h.set.codec = optarg;
    if (!h.set.codec || !job.codec)
        return 2;
    if (pthread_create(&t, NULL, worker, &job) == 0)
        pthread_join(t, NULL);
    read_list(getenv("HOST_LIST") ? getenv("HOST_LIST") : "/etc/host.list");
    return start(&h) && load_list() == 0 ? 0 : 1;
}
