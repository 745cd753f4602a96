#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define GIVE_UP(host, status) { if (host) (host)->failed = (status); return (status); }
#define BAD_PARAMETER(host) { if (host) note(host); GIVE_UP(host, -2) }
#define ROOM 256

struct host { int failed; void *library; int (*setpass)(const char *user); struct host *next; };
void note(struct host *host);

int library_path(char *out, const char *prefix, const char *name) {
    char line[ROOM];
    if (strlen(prefix) + strlen(name) + strlen(".la") + 1 >= ROOM)
        return -1;
    strcpy(line, prefix); //! none
    strcat(line, name); //! none
    out[0] = line[0];
    return dlopen(line, RTLD_NOW) != NULL;
}

int library_path_unasked(char *out, const char *prefix, const char *name) {
    char line[ROOM];
    strcpy(line, prefix); //! CWE-787/120/121
    if (strlen(prefix) >= ROOM)
        return -1;
    out[0] = line[0];
    return dlopen(line, RTLD_NOW) != NULL;
}

int set_realm(struct host *host, const char *value) {
    const char *realm;
    if (value && *value) {
        realm = value;
    } else {
        BAD_PARAMETER(host);
    }
    return (int)strlen(realm); //! none
}

int set_password(struct host *hosts, const char *user) {
    for (struct host *one = hosts; one; one = one->next) {
        if (!one->setpass) { //! none
            continue;
        }
        if (one->setpass(user) != 0)
            return -1;
    }
    return 0;
}

int init_client(void *bundle) {
    int (*init)(void) = (int (*)(void))dlsym(bundle, "client_init");
    if (init != nil)
        return init(); //! none
    return -1;
}
