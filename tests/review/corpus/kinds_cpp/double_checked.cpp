// A plain pointer tested outside the lock, whatever it is to; a shell started by name; a function that loses its library
#include <QProcess>
#include <boost/dll/shared_library.hpp>
#include <functional>
#include <mutex>
#include <string>

namespace dll = boost::dll;

class Registry {
public:
    static Registry &get()
    {
        if (self_ == nullptr) { // expect: CWE-609
            std::lock_guard<std::mutex> g(lock_);
            if (self_ == nullptr)
                self_ = new Registry;
        }
        return *self_;
    }
    std::function<double(double)> curve(const std::string &file);
    bool convert(const QString &tool, const QString &file);

private:
    static Registry *self_;
    static std::mutex lock_;
};

Registry *Registry::self_;
std::mutex Registry::lock_;

std::function<double(double)> Registry::curve(const std::string &file)
{
    dll::shared_library lib(file, dll::load_mode::append_decorations);
    double (*f)(double) = &lib.get<double(double)>("curve");
    return f; // expect: CWE-416
}

bool Registry::convert(const QString &tool, const QString &file)
{
    QProcess p;
    p.start("/bin/sh", {"-c", tool + " " + file}); // expect: CWE-78
    return p.waitForFinished();
}
