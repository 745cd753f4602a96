// Constructors that throw half-way, keys that are not there, values of another kind.
#include <dlfcn.h>

#include <any>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>

typedef int meter_id;

struct MeterApi {
    int (*open)(const char *port, meter_id *out);
    int (*arm)(meter_id);
    int (*close)(meter_id);
};

class Meter {
public:
    Meter(const MeterApi &api, const std::string &port) : api_(api)
    {
        if (api_.open(port.c_str(), &id_) != 0)
            throw std::runtime_error("no meter at " + port); //! none CWE-772
        if (api_.arm(id_) != 0)
            throw std::runtime_error("meter does not arm"); //! CWE-772
    }
    ~Meter() { api_.close(id_); }
    Meter(const Meter &) = delete;
    Meter &operator=(const Meter &) = delete;

private:
    const MeterApi &api_;
    meter_id id_ = -1;
};

class CarefulMeter {
public:
    CarefulMeter(const MeterApi &api, const std::string &port) : api_(api)
    {
        if (api_.open(port.c_str(), &id_) != 0)
            throw std::runtime_error("no meter at " + port);
        if (api_.arm(id_) != 0) {
            api_.close(id_);
            throw std::runtime_error("meter does not arm"); //! none CWE-772
        }
    }
    ~CarefulMeter() { api_.close(id_); }
    CarefulMeter(const CarefulMeter &) = delete;
    CarefulMeter &operator=(const CarefulMeter &) = delete;

private:
    const MeterApi &api_;
    meter_id id_ = -1;
};

class Library {
public:
    explicit Library(const std::string &file)
    {
        handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!handle_)
            throw std::runtime_error(dlerror());
        if (!dlsym(handle_, "scale_main"))
            throw std::runtime_error("not a scale"); //! CWE-772
    }
    ~Library() { dlclose(handle_); }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;

private:
    void *handle_ = nullptr;
};

using Scale = double (*)(double);

class Scales {
public:
    static std::unique_ptr<Scales> load(const std::string &file)
    {
        auto made = std::make_unique<Scales>();
        return made->add(file) ? std::move(made) : nullptr;
    }
    bool add(const std::string &file)
    {
        void *lib = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        auto scale = lib ? reinterpret_cast<Scale>(dlsym(lib, "scale_main")) : nullptr;
        if (!scale)
            return false;
        table_[file] = scale;
        return true;
    }
    double apply(const std::string &name, double x) const { return table_.find(name)->second(x); } //! CWE-476
    double applyKnown(const std::string &name, double x) const
    {
        auto it = table_.find(name);
        return it == table_.end() ? x : it->second(x); //! none CWE-476
    }
    double applyCounted(const std::string &name, double x) const
    {
        if (table_.count(name) == 0)
            return x;
        return table_.find(name)->second(x); //! none CWE-476
    }

private:
    std::unordered_map<std::string, Scale> table_;
};

double first(const std::string &file)
{
    auto scales = Scales::load(file);
    return scales->apply("main", 1.0); //! CWE-476
}

double firstAsked(const std::string &file)
{
    auto scales = Scales::load(file);
    return scales ? scales->applyKnown("main", 1.0) : 0.0; //! none CWE-476
}

std::string caption(const std::any &value)
{
    return *std::any_cast<std::string>(&value); //! CWE-476
}

std::string captionAsked(const std::any &value)
{
    if (auto *text = std::any_cast<std::string>(&value))
        return *text; //! none CWE-476
    return std::any_cast<std::string>(value); //! none CWE-476
}

std::shared_ptr<Scales> shared(const std::string &file)
{
    auto made = std::make_shared<Scales>();
    if (!made->add(file))
        return {};
    return made;
}

double firstShared(const std::string &file)
{
    const auto scales = shared(file);
    return scales->applyKnown("main", 1.0); //! CWE-476
}
