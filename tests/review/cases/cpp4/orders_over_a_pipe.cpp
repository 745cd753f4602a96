// A count that a call fills in decides what follows; the text of a pipe reaches a load through a table.
#include <windows.h>

#include <cstring>
#include <map>
#include <string>

struct Filter {
    HMODULE module = nullptr;
    int (*run)(HANDLE) = nullptr;
};

class Filters {
public:
    ~Filters()
    {
        for (auto &entry : known_)
            FreeLibrary(entry.second.module);
    }
    void serve(HANDLE pipe);
    void serve_whole(HANDLE pipe);

private:
    bool use(const std::string &name);
    std::map<std::string, Filter> known_;
    Filter *current_ = nullptr;
};

bool Filters::use(const std::string &name)
{
    Filter made;
    made.module = LoadLibraryA(name.c_str()); //! CWE-114
    if (!made.module)
        return false;
    current_ = &(known_[name] = made);
    return true; //! none
}

void Filters::serve(HANDLE pipe)
{
    char order[256];
    DWORD count = 0;
    while (ReadFile(pipe, order, sizeof order - 1, &count, nullptr) && count != 0) {
        order[count] = '\0'; //! none
        if (std::strncmp(order, "use ", 4) == 0)
            use(order + 4);
    }
}

void Filters::serve_whole(HANDLE pipe)
{
    char order[256];
    DWORD count = 0;
    if (!ReadFile(pipe, order, sizeof order, &count, nullptr) || count == 0)
        return;
    order[count] = '\0'; //! CWE-787
}
