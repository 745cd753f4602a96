/* whoever makes or ends the lock of an object has the object alone; a count is compared in another function */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct shard {
    void *so;
    pthread_mutex_t lock;
    uint64_t puts;
};
static struct shard shards[8];

int shard_open(unsigned id, const char *path)
{
    struct shard *s = &shards[id % 8];

    s->so = dlopen(path, RTLD_NOW);
    if (!s->so)
        return -1;
    pthread_mutex_init(&s->lock, NULL);
    s->puts = 0; //! none
    return 0;
}
void shard_put(unsigned id)
{
    struct shard *s = &shards[id % 8];

    pthread_mutex_lock(&s->lock);
    s->puts++;
    pthread_mutex_unlock(&s->lock);
}
uint64_t shard_take(unsigned id)
{
    struct shard *s = &shards[id % 8];
    uint64_t puts;

    pthread_mutex_lock(&s->lock);
    puts = s->puts;
    s->puts = 0;
    pthread_mutex_unlock(&s->lock);
    return puts;
}
void shard_end(unsigned id)
{
    struct shard *s = &shards[id % 8];

    s->puts = 0; //! none
    pthread_mutex_destroy(&s->lock);
}

struct image {
    const unsigned char *base;
    size_t size;
    const Elf64_Ehdr *eh;
    const Elf64_Phdr *ph;
};
static bool within(const struct image *im, uint64_t at, uint64_t n)
{
    return at <= im->size && n <= im->size - at;
}
int image_open(struct image *im)
{
    if (!within(im, im->eh->e_phoff, (uint64_t)im->eh->e_phnum * sizeof(Elf64_Phdr)))
        return -1;
    im->ph = (const Elf64_Phdr *)(im->base + im->eh->e_phoff);
    return 0;
}
int loads(const struct image *im)
{
    int found = 0;

    for (unsigned i = 0; i < im->eh->e_phnum; i++)
        found += im->ph[i].p_type == PT_LOAD; //! none
    return found;
}

static void *policy;
static int permitted(void)
{
    policy = dlopen("/usr/lib/demo/policy.so", RTLD_NOW); //! none CWE-250
    return policy != NULL;
}
static int become(uid_t user)
{
    return setresuid(user, user, user);
}
int main(int argc, char **argv)
{
    if (argc < 2 || !permitted())
        return 1;
    if (become(getuid()) != 0)
        return 1;
    execv(argv[1], argv + 1);
    return 1;
}
