#include <dlfcn.h>

#include <map>
#include <string>
#include <vector>

// An entry whose library is closed stays in the table of a file, of a class, of a map.

struct Slot {
    void *handle;
    int (*run)(int);
    bool used;
};
static Slot slots[8];
static Slot others[8];

int run_slot(int n, int value)
{
    if (n < 0 || n >= 8 || !slots[n].used)
        return -1;
    return slots[n].run(value);
}

void close_slot(int n)
{
    if (n < 0 || n >= 8 || !slots[n].used)
        return;
    dlclose(slots[n].handle); //! CWE-416
}

int run_other(int n, int value)
{
    if (n < 0 || n >= 8 || !others[n].used)
        return -1;
    return others[n].run(value);
}

void close_other(int n)
{
    if (n < 0 || n >= 8 || !others[n].used)
        return;
    dlclose(others[n].handle); //! none CWE-416
    others[n] = Slot{};
}

void close_all_others()
{
    for (auto &one : others)
        if (one.used)
            dlclose(one.handle); //! none CWE-416
}

static std::map<std::string, Slot> named;

int run_named(const std::string &name)
{
    auto found = named.find(name);
    return found == named.end() ? -1 : found->second.run(1);
}

void close_named(const std::string &name)
{
    auto found = named.find(name);
    if (found == named.end())
        return;
    dlclose(found->second.handle); //! CWE-416
}

static std::map<std::string, Slot> taken;

int run_taken(const std::string &name)
{
    auto found = taken.find(name);
    return found == taken.end() ? -1 : found->second.run(1);
}

void close_taken(const std::string &name)
{
    auto found = taken.find(name);
    if (found == taken.end())
        return;
    dlclose(found->second.handle); //! none CWE-416
    taken.erase(found);
}

// The step of the loop starts from an iterator that has ended.

void sweep(std::map<std::string, Slot> &all)
{
    for (auto one = all.begin(); one != all.end(); ++one)
        if (!one->second.used) {
            dlclose(one->second.handle);
            all.erase(one); //! CWE-416
        }
}

void sweep_well(std::map<std::string, Slot> &all)
{
    for (auto one = all.begin(); one != all.end();)
        if (!one->second.used) {
            dlclose(one->second.handle);
            one = all.erase(one); //! none
        } else {
            ++one;
        }
}

void sweep_first(std::map<std::string, Slot> &all)
{
    for (auto one = all.begin(); one != all.end(); ++one)
        if (!one->second.used) {
            dlclose(one->second.handle);
            all.erase(one); //! none
            break;
        }
}

// The entries are the handles themselves.

static void *open_ones[8];
static int open_count;

bool open_one(const char *name)
{
    void *one = open_count < 8 ? dlopen(name, RTLD_NOW) : nullptr;
    if (one)
        open_ones[open_count++] = one;
    return one != nullptr;
}

void close_one(int n)
{
    if (n >= 0 && n < open_count)
        dlclose(open_ones[n]); //! CWE-416
}

void close_last()
{
    if (open_count > 0) {
        dlclose(open_ones[open_count - 1]); //! none CWE-416
        open_count--;
    }
}

void close_them()
{
    for (int n = 0; n < open_count; n++)
        dlclose(open_ones[n]); //! none CWE-416
    open_count = 0;
}
