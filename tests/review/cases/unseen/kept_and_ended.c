#include <dlfcn.h>
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A list grows by rounds: its head keeps what a round made. */

struct filter {
    struct filter *next;
    void *library;
    void (*run)(float *samples);
    void (*stop)(void);
};

static struct filter *filter_open(const char *path)
{
    struct filter *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->library = dlopen(path, RTLD_NOW);
    if (!f->library) {
        free(f);
        return NULL;
    }
    *(void **)&f->stop = dlsym(f->library, "filter_stop");
    *(void **)&f->run = dlsym(f->library, "filter_run"); //! none CWE-772
    if (!f->run || !f->stop) {
        dlclose(f->library);
        free(f);
        return NULL;
    }
    return f;
}

int filters_run(int count, char **paths, float *samples)
{
    struct filter *first = NULL, *f;

    for (int i = 0; i < count; i++) {
        f = filter_open(paths[i]);
        if (!f)
            continue;
        f->next = first;
        first = f;
    }
    for (f = first; f; f = f->next)
        f->run(samples);
    while (first) {
        f = first;
        first = f->next;
        dlclose(f->library);
        free(f);
    }
    return 0;
}

/* What was found, or was not, is asked twice. */

struct device {
    struct device *next;
    char name[16];
    void *driver;
};

static struct device *devices;

int device_add(const char *name, const char *path)
{
    struct device *made, *found;

    made = calloc(1, sizeof *made);
    if (made == NULL)
        return -1;
    made->driver = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (made->driver == NULL) {
        free(made);
        return -1;
    }
    for (found = devices; found != NULL; found = found->next)
        if (strcmp(found->name, name) == 0)
            break;
    if (found == NULL) {
        made->next = devices;
        devices = made;
    }
    if (found == NULL)
        return 0; //! none CWE-772 CWE-401
    dlclose(made->driver);
    free(made);
    return -1;
}

/* A child never comes back. */

static void serve(const char *path, int out)
{
    int (*ask)(void);
    void *library = dlopen(path, RTLD_NOW);

    if (library == NULL)
        _exit(1);
    *(void **)&ask = dlsym(library, "ask");
    if (ask == NULL || write(out, "y", 1) != 1)
        _exit(2);
    _exit(ask() != 0);
}

static void tell(const char *path, int out)
{
    if (write(out, path, strlen(path)) < 0)
        _exit(2);
}

int asked(const char *path)
{
    int ends[2];
    char answer;
    pid_t child;

    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        serve(path, ends[1]);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return -1;
    }
    if (read(ends[0], &answer, 1) != 1) //! none CWE-910
        answer = 'n';
    close(ends[0]);
    waitpid(child, NULL, 0);
    return answer == 'y' ? 0 : -1;
}

int told(const char *path)
{
    int ends[2];
    char answer;
    pid_t child;

    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        tell(path, ends[1]); /* this child comes back */
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return -1;
    }
    if (read(ends[0], &answer, 1) != 1) //! CWE-910
        answer = 'n';
    close(ends[0]);
    waitpid(child, NULL, 0);
    return 0;
}

/* A helper looked at the place and the size. */

struct image {
    const uint8_t *start;
    size_t length;
};

static const void *within(const struct image *image, uint64_t offset, uint64_t size)
{
    if (size > image->length || offset > image->length - size)
        return NULL;
    return image->start + offset;
}

const Elf64_Shdr *sections_of(const struct image *image, unsigned *count)
{
    const Elf64_Ehdr *header = image->length < sizeof *header ? NULL : (const Elf64_Ehdr *)image->start;

    if (header == NULL || header->e_shentsize != sizeof(Elf64_Shdr))
        return NULL;
    *count = header->e_shnum;
    return within(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr));
}

int names_end(const struct image *image, const Elf64_Shdr *sections, unsigned count, unsigned dynamic)
{
    const Elf64_Shdr *strings;
    const char *names;

    if (dynamic >= count || sections[dynamic].sh_link >= count)
        return -1;
    strings = &sections[sections[dynamic].sh_link];
    names = within(image, strings->sh_offset, strings->sh_size);
    if (names == NULL || strings->sh_size == 0)
        return -1;
    return names[strings->sh_size - 1] == '\0'; //! none CWE-125
}

int names_end_unseen(const struct image *image, const Elf64_Shdr *sections, unsigned count, unsigned dynamic)
{
    const Elf64_Shdr *strings;
    const char *names;

    if (dynamic >= count || sections[dynamic].sh_link >= count)
        return -1;
    strings = &sections[sections[dynamic].sh_link];
    names = (const char *)image->start;
    if (strings->sh_size == 0)
        return -1;
    return names[strings->sh_size - 1] == '\0'; //! CWE-125
}

/* How far a text was read is no number of the text. */

const char *next_setting(const char *text, char *name, unsigned long *value)
{
    int used = 0;

    if (sscanf(text, "%31s %lu\n%n", name, value, &used) != 2 || used == 0)
        return NULL;
    return text + used; //! none CWE-125
}

const char *setting_at(const char *text)
{
    int place = 0, used = 0;

    if (sscanf(text, "%d%n", &place, &used) != 1)
        return NULL;
    return text + place; //! CWE-125
}
