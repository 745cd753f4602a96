#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef char *(*report_fn)(void);
typedef void (*report_free_fn)(char *);

/* Each round opens one, and the last alone is closed. */
int last_of(const char *const *names)
{
    void *found = NULL;
    for (int n = 0; names[n]; n++)
        found = dlopen(names[n], RTLD_NOW); //! CWE-772
    if (!found)
        return -1;
    dlclose(found);
    return 0;
}

int first_of(const char *const *names)
{
    void *found = NULL;
    for (int n = 0; names[n] && !found; n++)
        found = dlopen(names[n], RTLD_NOW); //! none CWE-772
    if (!found)
        return -1;
    dlclose(found);
    return 0;
}

struct settings {
    void *image;
};
static struct settings *now;

/* What was opened in the round before is closed, and what it is replaced by is another one. */
static int take_again(void)
{
    void *fresh = dlopen("libsettings.so.1", RTLD_NOW);
    if (!fresh)
        return -1;
    if (now->image)
        dlclose(now->image); //! none
    now->image = fresh;
    return 0;
}

typedef void (*hearer)(int);
static hearer hearers[8];
static int heard;

static void tell(int what)
{
    for (int n = 0; n < heard; n++)
        hearers[n](what); //! none
}

/* The table is empty again before the library goes. */
int one_session(void)
{
    void *image = dlopen("libhearer.so.1", RTLD_NOW);
    if (!image)
        return -1;
    hearer one = (hearer)dlsym(image, "hear");
    if (one && heard < 8)
        hearers[heard++] = one;
    tell(1);
    heard = 0;
    dlclose(image); //! none
    return 0;
}

/* The library has a function that takes its reports back. */
void report(void *image)
{
    report_fn make = (report_fn)dlsym(image, "report");
    report_free_fn end = (report_free_fn)dlsym(image, "report_free");
    if (!make || !end)
        return;
    char *text = make();
    if (text)
        puts(text);
    free(text); //! CWE-762
}

void report_well(void *image)
{
    report_fn make = (report_fn)dlsym(image, "report");
    report_free_fn end = (report_free_fn)dlsym(image, "report_free");
    if (!make || !end)
        return;
    char *text = make();
    if (text)
        puts(text);
    if (text)
        end(text); //! none
}

int main(void)
{
    now = calloc(1, sizeof *now);
    if (!now)
        return 1;
    now->image = dlopen("libsettings.so.1", RTLD_NOW);
    for (;;) {
        int key = getchar();
        if (key == EOF || (key == 'r' && take_again()))
            break;
    }
    if (now->image)
        dlclose(now->image); //! none
    free(now);
    return 0;
}
