/* What a library takes back is what one of its functions made; the manual says to free what another one made. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int (*hints_of)(const char *kind, void ***hints);
static char *(*name_of)(const void *hint, const char *which);
static void (*name_free_hints)(void **hints);
static char *(*text_of)(int number);
static void (*text_free)(char *text);

int load(void) {
    void *library = dlopen("libhints.so.2", RTLD_NOW);
    if (library == NULL)
        return -1;
    hints_of = (int (*)(const char *, void ***))dlsym(library, "hints_of");
    name_of = (char *(*)(const void *, const char *))dlsym(library, "name_of");
    name_free_hints = (void (*)(void **))dlsym(library, "name_free_hints");
    text_of = (char *(*)(int))dlsym(library, "text_of");
    text_free = (void (*)(char *))dlsym(library, "text_free");
    return hints_of && name_of && name_free_hints && text_of && text_free ? 0 : -1;
}

void list(void) {
    void **hints = NULL;
    if (hints_of("pcm", &hints) != 0)
        return;
    for (int n = 0; hints[n] != NULL; n++) {
        char *name = name_of(hints[n], "NAME");
        puts(name);
        free(name); //! none CWE-762
    }
    name_free_hints(hints);
}

void show(int number) {
    char *text = text_of(number);
    puts(text);
    text_free(text);
}

void show_again(int number) {
    char *text = text_of(number);
    puts(text);
    free(text); //! CWE-762
}
