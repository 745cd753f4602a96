// Lambdas are functions too: of a server, of a thread, in a list of ways to find a library.
#include <cstdlib>
#include <dlfcn.h>
#include <functional>
#include <httplib.h>
#include <string>
#include <thread>
#include <vector>

void listen(httplib::Server &server)
{
    server.Post("/load", [](const httplib::Request &request, httplib::Response &response) {
        const auto file = request.get_param_value("file");
        void *module = dlopen(file.c_str(), RTLD_NOW); //! CWE-114
        response.set_content(module ? "loaded" : "failed", "text/plain");
    });
    server.Post("/reload", [](const httplib::Request &request, httplib::Response &response) {
        const auto file = request.get_param_value("file");
        const char *path = file == "fast" ? "/usr/lib/app/fast.so" : "/usr/lib/app/safe.so";
        void *module = dlopen(path, RTLD_NOW); //! none CWE-114/CWE-73/CWE-22
        response.set_content(module ? "loaded" : "failed", "text/plain");
    });
}

class Finder {
    std::vector<std::function<void *(const std::string &)>> ways_;

public:
    Finder()
    {
        ways_.emplace_back([](const std::string &name) { return dlopen(name.c_str(), RTLD_NOW); }); //! CWE-114
        ways_.emplace_back([](const std::string &) { return dlopen("/usr/lib/app/base.so", RTLD_NOW); }); //! none CWE-114
    }

    void *find(const std::string &name) const
    {
        for (const auto &way : ways_)
            if (void *found = way(name))
                return found;
        return nullptr;
    }
};

int main()
{
    const char *name = std::getenv("APP_BACKEND");
    std::string chosen = name ? name : "";
    std::thread early([chosen] {
        if (!chosen.empty() && !dlopen(chosen.c_str(), RTLD_NOW)) //! CWE-114
            std::abort();
    });
    early.join();
    Finder finder;
    return finder.find(chosen) ? 0 : 1;
}
