/* the first line of a file names the driver: where it ends is asked of the text itself */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *driver(const char *path)
{
    char line[256];
    FILE *f = fopen(path, "r");
    size_t len;

    if (f == NULL)
        return NULL;
    line[0] = '\0';
    if (fread(line, 1, sizeof line, f) == 0) {
        fclose(f);
        return NULL;
    }
    fclose(f);
    len = strcspn(line, "\r\n");  //! CWE-170
    line[len] = '\0';
    return strncmp(line, "/usr/lib/drivers/", 17) == 0 ? dlopen(line, RTLD_NOW) : NULL;
}

void *driver_with_end(const char *path)
{
    char text[256];
    FILE *f = fopen(path, "r");
    size_t len;

    if (f == NULL)
        return NULL;
    len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[len] = '\0';
    len = strcspn(text, "\r\n");  //! none CWE-170
    text[len] = '\0';
    return strncmp(text, "/usr/lib/drivers/", 17) == 0 ? dlopen(text, RTLD_NOW) : NULL;
}
