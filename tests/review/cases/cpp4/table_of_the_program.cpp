// A library is handed a table of the program's functions while a lock is held that one of these takes.
#include <dlfcn.h>

#include <map>
#include <mutex>
#include <string>

class Board;

struct BoardApi {
    int (*place)(Board *board, const char *name, int (*call)(int));
    void (*say)(const char *text);
};

class Board {
public:
    int place(const char *name, int (*call)(int))
    {
        const std::lock_guard<std::mutex> hold(guard_);
        calls_[name] = call;
        return 0;
    }
    bool join(const std::string &file);
    bool join_outside(const std::string &file);

private:
    std::mutex guard_;
    std::map<std::string, int (*)(int)> calls_;
    std::map<std::string, void *> handles_;
};

static int do_place(Board *board, const char *name, int (*call)(int))
{
    return board->place(name, call);
}

static void do_say(const char *) {}

static const BoardApi table = {do_place, do_say};
static const BoardApi quiet = {nullptr, do_say};

using Begin = int (*)(const BoardApi *, Board *);

bool Board::join(const std::string &file)
{
    void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return false;
    auto begin = reinterpret_cast<Begin>(dlsym(handle, "begin"));
    const std::lock_guard<std::mutex> hold(guard_);
    if (!begin || begin(&table, this) != 0) { //! CWE-764/833
        dlclose(handle);
        return false;
    }
    handles_[file] = handle;
    return true;
}

bool Board::join_outside(const std::string &file)
{
    void *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return false;
    auto begin = reinterpret_cast<Begin>(dlsym(handle, "begin"));
    if (!begin || begin(&table, this) != 0) { //! none CWE-764/833
        dlclose(handle);
        return false;
    }
    const std::lock_guard<std::mutex> hold(guard_);
    begin(&quiet, this); //! none CWE-764/833
    handles_[file] = handle;
    return true;
}
