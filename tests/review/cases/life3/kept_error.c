#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct session {
    void *image;
    char *error;
};

static void keep_error(struct session *s)
{
    const char *said = dlerror();
    free(s->error); //! none
    s->error = strdup(said ? said : "?");
}

/* Each round frees the text of the round before, and makes another. */
int try_often(struct session *s, int rounds)
{
    for (int n = 0; n < rounds; n++) {
        s->image = dlopen("libsession.so.1", RTLD_NOW);
        if (s->image)
            return 0;
        keep_error(s); //! none
    }
    return -1;
}

void end_session(struct session *s)
{
    if (s->image)
        dlclose(s->image);
    free(s->error); //! none
    free(s);
}
