// A signal handler cannot take a lock; an exit handler that calls the library outlives it, unless what it calls is cleared
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <mutex>

static void *lib;
static void (*report)(int);
static void (*flush)();
static std::mutex lock;

static void onSignal(int sig)
{
    if (report) //! none
        report(sig);
    std::_Exit(128 + sig);
}

static void onExit()
{
    if (flush)
        flush();
}

bool install()
{
    std::lock_guard<std::mutex> g(lock);
    lib = dlopen("/usr/lib/crash/reporter.so", RTLD_NOW);
    if (!lib)
        return false;
    report = reinterpret_cast<void (*)(int)>(dlsym(lib, "report"));
    flush = reinterpret_cast<void (*)()>(dlsym(lib, "flush"));
    if (!report || !flush) {
        report = nullptr;
        flush = nullptr;
        dlclose(lib);
        return false;
    }
    std::signal(SIGSEGV, onSignal);
    std::atexit(onExit);
    return true;
}

void uninstall()
{
    std::lock_guard<std::mutex> g(lock);
    std::signal(SIGSEGV, SIG_DFL);
    report = nullptr;
    dlclose(lib); //! CWE-672
    lib = nullptr;
}
