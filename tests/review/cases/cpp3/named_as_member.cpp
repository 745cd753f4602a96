// A method that is called as a member which holds a symbol; what may hold nothing is asked for a value.
#include <dlfcn.h>

#include <optional>

struct Model {
    void *library = nullptr;
    double (*level)(int) = nullptr;
};

class Models {
public:
    bool open()
    {
        model_.library = dlopen("/usr/lib/tide/model.so", RTLD_NOW);
        if (model_.library == nullptr)
            return false;
        model_.level = reinterpret_cast<double (*)(int)>(dlsym(model_.library, "level"));
        return model_.level != nullptr;
    }
    std::optional<double> level(int when) { return model_.level != nullptr ? std::optional(model_.level(when)) : std::nullopt; }

private:
    Model model_;
};

double now(Models &models)
{
    const auto value = models.level(0);
    return value.value_or(0.0); //! none
}
