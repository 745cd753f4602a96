#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <iconv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Functions that tell failure by a value of their own, and tests that cannot see it. */

struct view {
    void *start;
    size_t size;
    iconv_t names;
};

static void *(*work)(void *);

int map_catalog(struct view *v, int fd)
{
    v->start = mmap(NULL, v->size, PROT_READ, MAP_SHARED, fd, 0);
    if (v->start == NULL) //! CWE-253
        return -1;
    return 0;
}

int open_words(struct view *v)
{
    if (!(v->names = iconv_open("UTF-8", "LATIN1"))) //! CWE-253
        return -1;
    return 0;
}

int connect_helper(void)
{
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    if (!s) //! CWE-253
        return -1;
    return s;
}

int start_worker(void *library)
{
    pthread_t id;

    work = (void *(*)(void *))dlsym(library, "work");
    if (!work)
        return -1;
    if (pthread_create(&id, NULL, work, NULL) < 0) //! CWE-253
        return -1;
    return pthread_detach(id) == -1 ? -1 : 0; //! CWE-253
}

int catch_hangups(void (*f)(int))
{
    return signal(SIGHUP, f) == NULL ? -1 : 0; //! CWE-253
}

/* The same, tested as the manual pages say. */

int map_well(struct view *v, int fd)
{
    void *p = mmap(NULL, v->size, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) //! none CWE-253
        return -1;
    if (p == NULL) //! none CWE-253
        return -2;
    v->start = p;
    return 0;
}

int start_well(void)
{
    pthread_t id;
    int rc = pthread_create(&id, NULL, work, NULL);

    if (rc) { //! none CWE-253
        fprintf(stderr, "%d\n", rc);
        return -1;
    }
    return 0;
}

int open_well(const char *path)
{
    int fd = open(path, O_RDONLY);

    if (fd == 0) //! none CWE-253
        fd = dup(fd);
    return fd < 0 ? -1 : fd; //! none CWE-253
}
