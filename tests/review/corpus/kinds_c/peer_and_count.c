/* whoever answers is taken for the server; the library says how much is copied */
#include <curl/curl.h>
#include <dlfcn.h>
#include <string.h>

struct desc { unsigned n; const unsigned *formats; };
struct codec { void *lib; unsigned formats[8]; };

int fetch(CURL *c, const char *url)
{
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L); /* expect: CWE-295 */
    return curl_easy_perform(c) == CURLE_OK ? 0 : -1;
}

int codec_open(struct codec *c)
{
    const struct desc *d;

    c->lib = dlopen("/usr/lib/player/codec.so", RTLD_NOW | RTLD_LOCAL);
    if (c->lib == NULL)
        return -1;
    d = dlsym(c->lib, "codec_desc");
    if (d == NULL) {
        dlclose(c->lib);
        c->lib = NULL;
        return -1;
    }
    memcpy(c->formats, d->formats, d->n * sizeof c->formats[0]); /* expect: CWE-787 */
    return 0;
}
