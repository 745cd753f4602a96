// functions that a library gets in a table, and that throw into its frames, or catch what they throw
#include <dlfcn.h>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
static std::map<std::string, int> settings;
static int get(const char *key)
{
    return settings.at(key); //! CWE-248
}
static int find(const char *key)
{
    auto it = settings.find(key);
    return it == settings.end() ? -1 : it->second; //! none CWE-248
}
static int number(const char *text)
{
    return std::stoi(text); //! CWE-248
}
static int caught(const char *text)
{
    try {
        return std::stoi(text); //! none CWE-248
    } catch (const std::exception &) {
        return -1;
    }
}
static void check(const std::string &text)
{
    if (text.empty())
        throw std::invalid_argument("empty");
}
static void note(const char *text)
{
    check(text); //! CWE-248
}
int of_the_program(const std::string &key)
{
    return settings.at(key); //! none CWE-248
}
struct host_api {
    int (*get)(const char *);
    int (*find)(const char *);
    int (*number)(const char *);
    int (*caught)(const char *);
    void (*note)(const char *);
};
static const host_api api = {get, find, number, caught, note};
int start()
{
    void *module = dlopen("/usr/lib/script.so", RTLD_NOW);
    if (module == nullptr)
        return -1;
    auto init = reinterpret_cast<int (*)(const host_api *)>(dlsym(module, "init"));
    return init != nullptr ? init(&api) : -1;
}
