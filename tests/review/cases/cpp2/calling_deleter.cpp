// A deleter that calls through its object runs in the library: the object goes first
#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <string>
#include "tone.h"

class Bundle {
public:
    explicit Bundle(const std::string &file) : m_lib(dlopen(file.c_str(), RTLD_NOW))
    {
        if (!m_lib)
            throw std::runtime_error(dlerror());
        m_entry = static_cast<const tone_entry *>(dlsym(m_lib, "tone_entry"));
        if (!m_entry) {
            dlclose(m_lib);
            throw std::runtime_error("no entry");
        }
    }
    ~Bundle() { dlclose(m_lib); }
    Bundle(const Bundle &) = delete;
    Bundle &operator=(const Bundle &) = delete;
    const tone_factory *factory() const { return static_cast<const tone_factory *>(m_entry->get_factory("tone")); }

private:
    void *m_lib;
    const tone_entry *m_entry = nullptr;
};

struct EndTone {
    void operator()(const tone *t) const { t->destroy(t); }
};
using TonePtr = std::unique_ptr<const tone, EndTone>;

struct Slot {
    TonePtr tone;
    std::shared_ptr<Bundle> bundle; //! CWE-416
};

struct SlotWhole {
    std::shared_ptr<Bundle> bundle; //! none
    TonePtr tone;
};

struct Held {
    std::unique_ptr<tone, EndTone> tone;
    int volume;
    std::unique_ptr<Bundle> bundle; //! CWE-416
};

unsigned countBlind(const Bundle &bundle)
{
    const auto *factory = bundle.factory();
    return factory->count(factory); //! CWE-476
}

unsigned countAsked(const Bundle &bundle)
{
    const auto *factory = bundle.factory();
    return factory ? factory->count(factory) : 0; //! none
}
