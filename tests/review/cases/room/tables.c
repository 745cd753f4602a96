/* Tables and blocks whose room is compared with one too many, or with nothing. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODECS 12

struct codec {
    void *library;
    char label[40];
};

struct codecs {
    struct codec all[CODECS];
    int used;
};

static struct codec fallback[CODECS];

int codec_add(struct codecs *set, const char *file)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return -1;
    if (set->used > CODECS) {
        dlclose(library);
        return -1;
    }
    set->all[set->used].library = library; //! CWE-787
    set->used++;
    return 0;
}

int codec_add_if_room(struct codecs *set, const char *file)
{
    void *library;

    if (set->used + 1 > CODECS)
        return -1;
    library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return -1;
    set->all[set->used++].library = library; //! none CWE-787
    return 0;
}

static int codec_find(const struct codecs *set, const char *label)
{
    for (int i = 0; i < set->used; i++)
        if (strcmp(set->all[i].label, label) == 0) //! none CWE-125
            return i;
    return -1;
}

void codec_drop(struct codecs *set, const char *label)
{
    int i = codec_find(set, label);

    dlclose(set->all[i].library); //! CWE-125
}

void codec_drop_if_known(struct codecs *set, const char *label)
{
    int i = codec_find(set, label);

    if (i >= 0)
        dlclose(set->all[i].library); //! none CWE-125
}

void codec_replace(const char *label, void *library)
{
    int i;

    for (i = 0; i < CODECS; i++)
        if (strcmp(fallback[i].label, label) == 0)
            break;
    fallback[i].library = library; //! CWE-787
}

int codec_replace_if_known(const char *label, void *library)
{
    int i, known = 0;

    for (i = 0; i < CODECS; i++)
        if (strcmp(fallback[i].label, label) == 0) {
            known = 1;
            break;
        }
    if (!known)
        return -1;
    fallback[i].library = library; //! none CWE-787
    return 0;
}

/* Blocks: the end of a text, the last element, what a read gave. */

char *text_of(const char *bytes, size_t count)
{
    char *text = malloc(count);

    if (text == NULL)
        return NULL;
    memcpy(text, bytes, count);
    text[count] = '\0'; //! CWE-787
    return text;
}

char *text_with_end_of(const char *bytes, size_t count)
{
    char *text = malloc(count + 1);

    if (text == NULL)
        return NULL;
    memcpy(text, bytes, count);
    text[count] = '\0'; //! none CWE-787
    return text;
}

const char **labels_of(const struct codecs *set)
{
    const char **labels = malloc(set->used * sizeof *labels);

    if (labels == NULL)
        return NULL;
    for (int i = 0; i < set->used; i++)
        labels[i] = set->all[i].label; //! none CWE-787
    labels[set->used] = NULL; //! CWE-787
    return labels;
}

char *block_of(int descriptor)
{
    size_t room = 4096;
    char *block = malloc(room);
    ssize_t came;

    if (block == NULL)
        return NULL;
    came = read(descriptor, block, room);
    if (came < 0) {
        free(block);
        return NULL;
    }
    block[came] = '\0'; //! CWE-787
    return block;
}

char *block_with_end_of(int descriptor)
{
    size_t room = 4096;
    char *block = malloc(room);
    ssize_t came;

    if (block == NULL)
        return NULL;
    came = read(descriptor, block, room - 1);
    if (came < 0) {
        free(block);
        return NULL;
    }
    block[came] = '\0'; //! none CWE-787
    return block;
}

void **slots(size_t count)
{
    void **made = malloc(count);

    if (made == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        made[i] = NULL; //! CWE-787
    return made;
}

struct peer {
    int descriptor;
    char text[256];
    size_t have;
};

int peer_read(struct peer *peer)
{
    ssize_t came = read(peer->descriptor, peer->text + peer->have, sizeof peer->text - peer->have); //! none CWE-787

    if (came <= 0)
        return -1;
    peer->have += came;
    return 0;
}

int peer_set(struct peer *peer, const char *text)
{
    if (strlen(text) > sizeof peer->text)
        return -1;
    strcpy(peer->text, text); //! CWE-787
    return 0;
}

int peer_set_if_short(struct peer *peer, const char *text)
{
    if (strlen(text) >= sizeof peer->text)
        return -1;
    strcpy(peer->text, text); //! none CWE-787
    return 0;
}
