/* updater: gets a module by HTTP(S) and takes it into use */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t to_file(void *p, size_t s, size_t n, void *f)
{
    return fwrite(p, s, n, f);
}
static int get(const char *url, FILE *f)
{
    CURL *c = curl_easy_init();
    CURLcode rc;
    if (c == NULL)
        return -1;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, to_file);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);  //! none
    rc = curl_easy_perform(c);
    curl_easy_cleanup(c);
    return rc == CURLE_OK ? 0 : -1;
}
void *take(const char *url)
{
    char tmp[] = "/var/lib/updater/module-XXXXXX";
    int fd = mkstemp(tmp);
    FILE *f;
    void *h;
    if (fd < 0)
        return NULL;
    f = fdopen(fd, "wb");
    if (!f) {
        close(fd);
        return NULL;
    }  //! none
    if (get(url, f) != 0) {
        fclose(f);
        unlink(tmp);
        return NULL;
    }
    if (fclose(f) != 0) {
        unlink(tmp);
        return NULL;
    }
    h = dlopen(tmp, RTLD_NOW);
    if (!h)
        fprintf(stderr, "%s\n", dlerror());
    return h;
}
