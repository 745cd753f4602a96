/* a copy as long as a text is: the length is compared, or it is not */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#define NAME 32

struct part {
    char name[NAME];
    char word[64];
    void *library;
};

void take(struct part *p, const char *name)
{
    memcpy(p->name, name, strlen(name) + 1); //! CWE-787/120
}
void take_file(struct part *p, const char *image, uint32_t at, uint32_t size)
{
    const char *text = image + at;
    size_t n = strnlen(text, size - at);

    memcpy(p->name, text, n); //! CWE-787/120
    p->name[n] = '\0';
}
void take_piece(struct part *p, const char *start)
{
    const char *end = strchr(start, ' ');
    size_t n;

    if (end == NULL)
        return;
    n = end - start;
    strncpy(p->word, start, n); //! CWE-787/120
}
int take_asked(struct part *p, const char *name)
{
    size_t n = strlen(name);

    if (n >= sizeof p->name)
        return -1;
    memcpy(p->name, name, n + 1); //! none
    return 0;
}
int take_asked_before(struct part *p, const char *name)
{
    if (strlen(name) > NAME - 1)
        return -1;
    memcpy(p->name, name, strlen(name) + 1); //! none
    return 0;
}
void take_cut(struct part *p, const char *name)
{
    size_t n = strnlen(name, sizeof p->name - 1);

    memcpy(p->name, name, n); //! none
    p->name[n] = '\0';
}
void take_own(struct part *p)
{
    char short_name[16] = "base";

    memcpy(p->name, short_name, strlen(short_name) + 1); //! none
}
static void take_known(struct part *p, const char *name)
{
    memcpy(p->name, name, strlen(name) + 1); //! none
}
int attach(struct part *p, const char *name)
{
    if (strlen(name) >= NAME)
        return -1;
    take_known(p, name);
    take_known(p, "fallback");
    p->library = dlopen("/usr/lib/demo/base.so", RTLD_NOW);
    return p->library ? 0 : -1;
}
