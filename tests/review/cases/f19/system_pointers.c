#include <dirent.h>
#include <dlfcn.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the system looks up or opens may not be there; the program that loads asks, or falls. */

void *load_of_user(uid_t uid)
{
    char path[512];
    struct passwd *entry = getpwuid(uid);

    snprintf(path, sizeof path, "%s/.tool/add.so", entry->pw_dir); //! CWE-476
    return dlopen(path, RTLD_NOW); //! none CWE-476
}

void load_listed(const char *list)
{
    char line[256];
    FILE *f;

    f = fopen(list, "r");
    while (fgets(line, sizeof line, f)) { //! CWE-476
        line[strcspn(line, "\n")] = 0;
        puts(line);
    }
    fclose(f);
}

size_t room_for_home(void)
{
    return strlen(getenv("TOOL_HOME")) + 32; //! CWE-476
}

int count_in(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    while (readdir(d)) //! CWE-476
        n++;
    closedir(d);
    return n;
}

const char *group_name(gid_t g)
{
    return getgrgid(g)->gr_name; //! CWE-476
}

/* Each asked first. */

const char *home_of(const char *name)
{
    struct passwd *entry = getpwnam(name);

    return entry ? entry->pw_dir : "/"; //! none CWE-476
}

int first_address(const char *name, char *to)
{
    struct hostent *host;

    if ((host = gethostbyname(name)) == NULL)
        return -1;
    memcpy(to, host->h_addr_list[0], (size_t)host->h_length); //! none CWE-476
    return 0;
}

void list_all(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    if (!d)
        return;
    while ((e = readdir(d)) != NULL) //! none CWE-476
        puts(e->d_name); //! none CWE-476
    closedir(d);
}

void from_variable(void)
{
    const char *v = getenv("TOOL_LEVEL");

    printf("%d\n", v ? atoi(v) : 0); //! none CWE-476
}
