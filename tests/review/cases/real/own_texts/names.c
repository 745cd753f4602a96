// Texts whose length whoever wrote the array knew: in the program itself, or in an array of another file.
#include "names.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct header {
    int size;
    char rest[60];
};

static const struct mode modes[] = { { 0, "off" }, { 1, "track" }, { 2, "album" } };
static struct mode names[4] = { { 0, "none" } };

void *open_named(void) {
    void *library = dlopen(settings.file_name, RTLD_NOW);
    if (library == NULL) {
        char message[LONGEST + 256];
        sprintf(message, "Cannot load \"%s\"", settings.file_name); //! none
        fputs(message, stderr);
    }
    return library;
}

void show_mode(int number) {
    char line[40];
    sprintf(line, "%s gain", mode_of(number, modes)->text); //! none
    puts(line);
}

void show_name(const char *given) {
    char line[40];
    names[1].text = given;
    sprintf(line, "%s gain", names[1].text); //! CWE-787
    puts(line);
}

void show_kind(int kind) {
    const char *word;
    char line[80];
    if (kind == 0)
        word = "note";
    else
        word = kind == 1 ? "controller" : "program";
    sprintf(line, "kind=\"%s\" number=\"%i\"", word, kind); //! none
    puts(line);
}

void show_comment(void) {
    char line[80];
    sprintf(line, "comment: %s", settings.comment); //! CWE-787
    puts(line);
}

void add_endings(void (*add)(const char *)) {
    const char *endings[] = { "wav", "flac", NULL };
    for (int n = 0; endings[n] != NULL; n++) {
        char pattern[16] = "*.";
        strcat(pattern, endings[n]); //! none
        add(pattern);
    }
}

void again(void) {
    char name[LONGEST];
    strcpy(name, settings.file_name); //! none
    dlopen(name, RTLD_NOW);
}

char *first_line(int fd, char *text) {
    ssize_t n = read(fd, text, sizeof(struct header)); // the size of a type, and of no variable
    text[n] = '\0';
    return text;
}

struct bar {
    char title[512];
    char *original;
    int width;
};

void draw(struct bar *bar) {
    char line[20];
    sprintf(line, "%*d|", bar->width, bar->width); //! none
    puts(line);
    sprintf(line, "%*s|", bar->width, bar->original); //! CWE-787
    puts(line);
}

void list(struct dirent *entry) {
    char path[1024];
    char word[64];
    sprintf(path, "sets/%s", entry->d_name); //! none
    sprintf(word, "set %s", entry->d_name); //! CWE-787
    puts(path);
    puts(word);
}
