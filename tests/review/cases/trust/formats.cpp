// Texts of a plug-in as formats: through a wrapper, out of a table that a helper found, put together, filled in.
#include <cstdarg>
#include <cstdio>
#include <dlfcn.h>
#include <string>
#include <syslog.h>

struct driver {
    const char *(*name)();
    const char *(*error)(int);
};

static void trace(const char *format, ...)
{
    va_list given;
    va_start(given, format);
    std::vfprintf(stderr, format, given);
    va_end(given);
}

static void note(int level, const char *text)
{
    syslog(level, text); //! CWE-134
}

static void note_well(int level, const char *text)
{
    syslog(level, "%s", text); //! none
}

static void note_own(int level, const char *text)
{
    syslog(level, text); //! none
}

static const driver *find_driver()
{
    void *library = dlopen("/usr/lib/host/driver.so", RTLD_NOW);
    if (!library) {
        note(LOG_ERR, dlerror());
        return nullptr;
    }
    return static_cast<const driver *>(dlsym(library, "driver_table"));
}

int tell(int code)
{
    const driver *found = find_driver();
    if (!found)
        return -1;
    note_well(LOG_INFO, found->name());
    note_own(LOG_INFO, "driver found");
    trace(found->error(code)); //! CWE-134
    trace("%s\n", found->error(code)); //! none
    return 0;
}

void complain(const std::string &name)
{
    std::string text = "module " + name + ": " + dlerror();
    syslog(LOG_WARNING, text.c_str()); //! CWE-134
    std::string plain = "module is missing";
    syslog(LOG_WARNING, plain.c_str()); //! none
}

struct reader {
    void *library;
    int (*poll)(char *text, unsigned size);
};

int open_reader(reader *one)
{
    one->library = dlopen("/usr/lib/host/reader.so", RTLD_NOW);
    if (!one->library)
        return -1;
    *(void **)&one->poll = dlsym(one->library, "reader_poll");
    return one->poll ? 0 : -1;
}

void watch(reader *one)
{
    char badge[64];
    while (one->poll(badge, sizeof badge) > 0)
        syslog(LOG_INFO, badge); //! CWE-134
}
