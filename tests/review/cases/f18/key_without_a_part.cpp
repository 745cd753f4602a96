#include <dlfcn.h>

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

class Image {
public:
    explicit Image(const std::string &path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    {
        if (!handle_)
            throw std::runtime_error(dlerror());
    }
    ~Image() { dlclose(handle_); }
    Image(const Image &) = delete;
    Image &operator=(const Image &) = delete;

private:
    void *handle_;
};

class Cache {
public:
    std::shared_ptr<Image> forTenant(const std::string &tenant, const std::string &name)
    {
        auto found = byName_.find(name); //! CWE-706
        if (found != byName_.end())
            return found->second;
        auto image = std::make_shared<Image>("/srv/" + tenant + "/lib" + name + ".so");
        byName_.emplace(name, image);
        return image;
    }

    std::shared_ptr<Image> forBoth(const std::string &tenant, const std::string &name)
    {
        const std::string key = tenant + "/" + name;
        auto found = byKey_.find(key); //! none CWE-706
        if (found != byKey_.end())
            return found->second;
        auto image = std::make_shared<Image>("/srv/" + tenant + "/lib" + name + ".so");
        byKey_[key] = image;
        return image;
    }

    std::shared_ptr<Image> indexed(const std::string &name, const std::string &kind)
    {
        if (byName_.count(name)) //! CWE-706
            return byName_.at(name);
        const std::string file = "/usr/lib/app/" + kind + "-" + name + ".so";
        byName_[name] = std::make_shared<Image>(file);
        return byName_.at(name);
    }

    std::shared_ptr<Image> told(const std::string &name, std::string *error)
    {
        auto found = byName_.find(name); //! none CWE-706
        if (found != byName_.end())
            return found->second;
        try {
            byName_[name] = std::make_shared<Image>("/usr/lib/app/" + name + ".so");
        } catch (const std::exception &problem) {
            *error = problem.what();
            return nullptr;
        }
        return byName_[name];
    }

private:
    std::map<std::string, std::shared_ptr<Image>> byName_, byKey_;
};

bool same(const std::filesystem::path &one, const std::filesystem::path &other)
{
    return one.filename() == other.filename(); //! CWE-706
}

bool isHelper(const std::filesystem::path &one)
{
    return one.filename() == "helper.so"; //! none CWE-706
}
