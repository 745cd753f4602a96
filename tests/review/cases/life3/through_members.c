#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    void *image;
    const char *(*title)(void);
    void *(*begin)(void);
    void *cursor;
};

struct table {
    int (*first)(void);
    int (*second)(void);
};

int reader_open(struct reader *r)
{
    r->image = dlopen("libreader.so.2", RTLD_NOW);
    if (!r->image)
        return -1;
    r->title = (const char *(*)(void))dlsym(r->image, "reader_title");
    r->begin = (void *(*)(void))dlsym(r->image, "reader_begin");
    if (!r->title || !r->begin) {
        dlclose(r->image);
        r->image = NULL;
        return -1;
    }
    return 0;
}

void reader_begin(struct reader *r)
{
    r->cursor = r->begin();
}

/* A text that a function of the library gave, read when the library has gone. */
void reader_close(struct reader *r)
{
    const char *title = r->title();
    dlclose(r->image);
    printf("%s is closed\n", title); //! CWE-416
}

void reader_close_copied(struct reader *r)
{
    char title[64];
    snprintf(title, sizeof title, "%s", r->title());
    dlclose(r->image);
    printf("%s is closed\n", title); //! none
}

/* The functions of a table that was copied go with the library, too. */
int ask_copy(void)
{
    void *image = dlopen("libtable.so.1", RTLD_NOW);
    if (!image)
        return -1;
    const struct table *given = dlsym(image, "table");
    if (!given) {
        dlclose(image);
        return -1;
    }
    struct table copy = *given;
    dlclose(image);
    return copy.first(); //! CWE-416
}

int ask_in_time(void)
{
    void *image = dlopen("libtable.so.1", RTLD_NOW);
    if (!image)
        return -1;
    const struct table *given = dlsym(image, "table");
    if (!given) {
        dlclose(image);
        return -1;
    }
    struct table copy = *given;
    int answer = copy.first(); //! none
    dlclose(image);
    return answer;
}
