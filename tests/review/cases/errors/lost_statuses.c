/* statuses of a library and of what loads it, that count for nothing */
#include <dlfcn.h>
#include <stdio.h>
typedef int (*init_fn)(void *);
typedef int (*feed_fn)(void *, const void *, size_t);
struct codec { void *library; init_fn init; feed_fn feed; void *state; };
static int open_codec(struct codec *codec, const char *path)
{
    codec->library = dlopen(path, RTLD_NOW);
    if (codec->library == NULL)
        return -1;
    codec->init = (init_fn)dlsym(codec->library, "codec_init");
    codec->feed = (feed_fn)dlsym(codec->library, "codec_feed");
    if (codec->init && codec->feed)
        return 0;
    dlclose(codec->library);
    codec->library = NULL;
    return -1;
}
static int prepare(struct codec *codec)
{
    if (codec->init(codec->state) != 0)
        return -1;
    return 0;
}
int decode(struct codec *codec, const char *path, const void *data, size_t size)
{
    open_codec(codec, path); //! CWE-252
    if (prepare(codec) < 0) //! none CWE-252
        return -1;
    return codec->feed(codec->state, data, size);
}
int decode_again(struct codec *codec, const void *data, size_t size)
{
    int status;
    prepare(codec); //! CWE-252
    status = codec->init(codec->state); //! CWE-252
    status = codec->feed(codec->state, data, size);
    return status;
}
int decode_well(struct codec *codec, const char *path, const void *data, size_t size)
{
    int status = open_codec(codec, path); //! none CWE-252
    if (status == 0)
        status = prepare(codec); //! none CWE-252
    if (status == 0)
        status = codec->feed(codec->state, data, size); //! none CWE-252
    return status;
}
