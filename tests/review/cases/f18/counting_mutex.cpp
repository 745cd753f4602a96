#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string>

class Counting {
public:
    Counting();
    void Lock()
    {
        pthread_mutex_lock(&mutex); // checks for errors: the holder gets EDEADLK
        locked++;
    }
    void Unlock()
    {
        if (!--locked)
            pthread_mutex_unlock(&mutex);
    }

private:
    pthread_mutex_t mutex;
    int locked = 0;
};

class Owned {
public:
    void enter()
    {
        if (held && pthread_equal(owner, pthread_self())) {
            depth++;
            return;
        }
        pthread_mutex_lock(&mutex);
        owner = pthread_self();
        held = true;
        depth = 1;
    }
    void leave()
    {
        if (--depth)
            return;
        held = false;
        pthread_mutex_unlock(&mutex);
    }

private:
    pthread_mutex_t mutex;
    pthread_t owner;
    bool held = false;
    int depth = 0;
};

class Plain {
public:
    void Lock() { pthread_mutex_lock(&mutex); }
    void Unlock() { pthread_mutex_unlock(&mutex); }

private:
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
};

static Counting counting;
static Owned owned;
static Plain plain;
static void *plugin;

void reload()
{
    counting.Lock();
    counting.Lock(); //! none CWE-764
    plugin = dlopen("/usr/lib/app/plugin.so", RTLD_NOW);
    counting.Unlock();
    counting.Unlock();
}

void again()
{
    owned.enter();
    owned.enter(); //! none CWE-764
    plugin = dlopen("/usr/lib/app/plugin.so", RTLD_NOW);
    owned.leave();
    owned.leave();
}

void stuck()
{
    plain.Lock();
    plain.Lock(); //! CWE-764
    plugin = dlopen("/usr/lib/app/plugin.so", RTLD_NOW);
    plain.Unlock();
    plain.Unlock();
}

std::string where(const char *text)
{
    unsigned long long address = strtoull(text, nullptr, 16);
    Dl_info info;
    if (dladdr(reinterpret_cast<void *>(address), &info)) //! none CWE-822
        return info.dli_fname;
    return {};
}
