/* tests of results that no failure can change, and those that see it */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
struct host { void *library; pthread_mutex_t lock; };
static int unload(struct host *host)
{
    int status = dlclose(host->library);
    host->library = NULL;
    return status;
}
int shut_down(struct host *host)
{
    if (unload(host) < 0) //! CWE-253
        return -1;
    return pthread_mutex_destroy(&host->lock) == 0 ? 0 : -1; //! none CWE-253
}
int shut_down_well(struct host *host)
{
    return unload(host) != 0 ? -1 : 0; //! none CWE-253
}
const char *where(void *address)
{
    static Dl_info info;
    if (dladdr(address, &info) == -1) //! CWE-253
        return NULL;
    return info.dli_fname;
}
const char *where_well(void *address)
{
    static Dl_info info;
    return dladdr(address, &info) ? info.dli_fname : NULL; //! none CWE-253
}
int header_of(FILE *file, unsigned char *header, size_t size)
{
    if (fread(header, 1, size, file) < 0) //! CWE-253
        return -1;
    return header[0] == 0x7f;
}
int header_of_well(FILE *file, unsigned char *header, size_t size)
{
    size_t count = fread(header, 1, size, file);
    if (count == 0) //! none CWE-253
        return -1;
    return count < size ? -1 : header[0] == 0x7f;
}
int some_of(int file, char *text, size_t room)
{
    size_t count = read(file, text, room);
    if (count < 0) //! CWE-570
        return -1;
    return count > 0;
}
int lock_of(struct host *host)
{
    if (pthread_mutex_lock(&host->lock) < 0) //! CWE-253
        return -1;
    return pthread_mutex_unlock(&host->lock);
}
int log_to(const char *path)
{
    int file = open(path, O_WRONLY);
    if (!file) //! CWE-253
        return -1;
    return dup2(file, 2) < 0 ? -1 : close(file); //! none CWE-253
}
