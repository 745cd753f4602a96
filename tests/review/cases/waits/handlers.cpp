// Signal handlers in classes and in place, and what they may do.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <iostream>
#include <string>
#include <unistd.h>

static void *library;
static void (*flush_now)();
static int stop_plain;
static volatile std::sig_atomic_t stop_flag;
static std::atomic<int> stop_atomic{0};

struct Service {
    static std::string reason;
    static void on_term(int number)
    {
        reason = "signal " + std::to_string(number); //! CWE-479
    }
    static void on_hup(int)
    {
        flush_now(); //! CWE-479
    }
    static void on_quit(int)
    {
        std::cerr << "bye\n"; //! CWE-479
    }
    static void on_flag(int number)
    {
        stop_flag = number; //! none
        stop_atomic = number;
        (void)!write(2, "bye\n", 4); //! none
    }
    static void report(int)
    {
        std::cerr << "no handler\n"; //! none CWE-479
    }
};

static void on_alarm(int number)
{
    stop_plain = number; //! CWE-364
}

static void on_user(int)
{
    if (void *symbol = dlsym(library, "status")) //! CWE-479
        (void)symbol;
}

int main()
{
    library = dlopen("/usr/lib/libservice.so", RTLD_NOW);
    if (!library)
        return 1;
    flush_now = reinterpret_cast<void (*)()>(dlsym(library, "flush"));
    if (!flush_now)
        return 1;
    std::signal(SIGTERM, &Service::on_term);
    std::signal(SIGHUP, Service::on_hup);
    std::signal(SIGQUIT, Service::on_quit);
    std::signal(SIGINT, Service::on_flag);
    std::signal(SIGALRM, on_alarm);
    std::signal(SIGUSR1, on_user);
    std::signal(SIGUSR2, [](int) {
        dlclose(library); //! CWE-479
        std::_Exit(1);
    });
    std::signal(SIGCHLD, [](int number) {
        stop_flag = number; //! none CWE-479
    });
    while (!stop_plain && !stop_flag && !stop_atomic)
        pause();
    Service::report(0);
    flush_now();
    return 0;
}
