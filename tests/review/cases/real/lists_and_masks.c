/* A list that a loop made and another loop frees; a mode that is another file's, masked; a count set in the end. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

struct device { struct device *next; void *library; };

struct device *find_all(int count)
{
    struct device *first = NULL;
    for (int n = 0; n < count; n++) {
        struct device *one = malloc(sizeof *one);
        if (one == NULL)
            break;
        one->library = NULL;
        one->next = first;
        first = one;
    }
    return first;
}

void free_all(struct device *first)
{
    while (first != NULL) {
        struct device *next = first->next;
        free(first); //! none
        first = next;
    }
}

int list_and_forget(int count)
{
    struct device *all = find_all(count);
    void *library = dlopen("/opt/x/libx.so", RTLD_NOW);
    free_all(all);
    if (library == NULL)
        return -1;
    return dlclose(library);
}

int keep_others_out(int backup, const struct stat *original)
{
    return fchmod(backup, (original->st_mode & 0707) | ((original->st_mode & 07) << 3)); //! none
}

struct gate { pthread_mutex_t lock; unsigned refs; void *library; };

void gate_enter(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->refs++;
    pthread_mutex_unlock(&gate->lock);
}

void gate_free(struct gate *gate)
{
    gate->refs = 0; //! none
    if (gate->library != NULL)
        dlclose(gate->library);
    free(gate);
}
