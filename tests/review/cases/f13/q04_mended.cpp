// boost: rule modules
#include <boost/dll/import.hpp>
#include <boost/dll/shared_library.hpp>
#include <boost/filesystem.hpp>
#include <boost/function.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>
namespace dll = boost::dll;
typedef int (rule_fn)(const char *);
class Rules {
public:
    void add(const std::string &name, const boost::filesystem::path &file)
    {
        auto lib = std::make_shared<dll::shared_library>(file);
        libs_.push_back(lib);
        rules_[name] = &lib->get<rule_fn>("rule");  //! none
    }
    int check(const std::string &n, const char *s)
    {
        auto it = rules_.find(n);
        return it == rules_.end() ? -1 : it->second(s);
    }
private:
    std::vector<std::shared_ptr<dll::shared_library>> libs_;
    std::map<std::string, rule_fn *> rules_;
};
int try_all(Rules &r, const std::vector<std::string> &files)
{
    int n = 0;
    for (const auto &f : files) {
        try {
            r.add(f, f);
            n++;
        } catch (const std::exception &e) {
            std::cerr << f << ": " << e.what() << "\n";
            return -1;
        }  //! none
    }
    return n;
}
