// Lists what a module of the font server offers: a small format of our own, "module table 2".
// Numbers travel through a template that copies records, a container of records, and members.
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace table {

struct Head {
    std::uint32_t magic;
    std::uint32_t slots;
    std::uint32_t names;
};

struct Slot {
    std::uint32_t at;
    std::uint16_t kind;
    std::uint16_t owner;
};

using Raw = std::vector<std::uint8_t>;

class Weak {
public:
    explicit Weak(Raw raw) : raw_(std::move(raw))
    {
        const auto head = copy<Head>(0);
        for (std::uint32_t i = 0; i < head.slots; ++i)
            slots_.push_back(copy<Slot>(sizeof(Head) + std::size_t{i} * sizeof(Slot)));
        names_ = head.names;
    }

    std::string name(std::size_t n) const
    {
        const Slot &s = slots_.at(n);
        return reinterpret_cast<const char *>(raw_.data()) + s.at; //! CWE-125
    }

    const Slot &owner(std::size_t n) const
    {
        const auto &s = slots_.at(n);
        return slots_[s.owner]; //! CWE-125
    }

    std::vector<std::uint32_t> counters() const
    {
        std::vector<std::uint32_t> all(names_); //! CWE-789
        return all;
    }

private:
    template <typename R>
    R copy(std::size_t at) const
    {
        R r;
        if (at > raw_.size() || raw_.size() - at < sizeof r)
            throw std::out_of_range("table");
        std::memcpy(&r, raw_.data() + at, sizeof r);
        return r;
    }

    Raw raw_;
    std::vector<Slot> slots_;
    std::uint32_t names_ = 0;
};

class Sound {
public:
    explicit Sound(Raw raw) : raw_(std::move(raw))
    {
        const auto head = copy<Head>(0);
        for (std::uint32_t i = 0; i < head.slots; ++i)
            slots_.push_back(copy<Slot>(sizeof(Head) + std::size_t{i} * sizeof(Slot)));
        if (head.names > slots_.size())
            throw std::out_of_range("names");
        names_ = head.names;
    }

    std::string name(std::size_t n) const
    {
        const Slot &s = slots_.at(n);
        if (s.at >= raw_.size() || !std::memchr(raw_.data() + s.at, 0, raw_.size() - s.at))
            throw std::out_of_range("name");
        return reinterpret_cast<const char *>(raw_.data()) + s.at; //! none
    }

    const Slot &owner(std::size_t n) const
    {
        const auto &s = slots_.at(n);
        return s.owner < slots_.size() ? slots_[s.owner] : s; //! none
    }

    std::vector<std::uint32_t> counters() const
    {
        std::vector<std::uint32_t> all(names_); //! none
        return all;
    }

private:
    template <typename R>
    R copy(std::size_t at) const
    {
        R r;
        if (at > raw_.size() || raw_.size() - at < sizeof r)
            throw std::out_of_range("table");
        std::memcpy(&r, raw_.data() + at, sizeof r);
        return r;
    }

    Raw raw_;
    std::vector<Slot> slots_;
    std::uint32_t names_ = 0;
};

} // namespace table

// A cursor over bytes: what its methods give is the file's.
struct Cursor {
    const std::uint8_t *at;
    const std::uint8_t *end;

    std::uint8_t byte()
    {
        if (at == end)
            throw std::out_of_range("cursor");
        return *at++;
    }
};

class Palette {
public:
    void read(Cursor c)
    {
        shades_ = std::make_unique<std::uint8_t[]>(16);
        const std::uint8_t n = c.byte();
        for (unsigned i = 0; i < n; ++i)
            shades_[i] = c.byte(); //! CWE-787
    }

    void readSome(Cursor c)
    {
        shades_ = std::make_unique<std::uint8_t[]>(16);
        const std::uint8_t n = c.byte();
        for (unsigned i = 0; i < n && i < 16; ++i)
            shades_[i] = c.byte(); //! none
    }

private:
    std::unique_ptr<std::uint8_t[]> shades_;
};

// The module says how many settings it has; the host keeps sixteen.
struct module_ops {
    std::uint32_t settings;
    void (*set)(std::uint32_t which, float value);
};

class Module {
public:
    explicit Module(const std::string &file) : lib_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL))
    {
        if (lib_)
            ops_ = static_cast<const module_ops *>(dlsym(lib_, "module_ops"));
    }
    ~Module()
    {
        if (lib_)
            dlclose(lib_);
    }
    Module(const Module &) = delete;
    Module &operator=(const Module &) = delete;

    void set(std::uint32_t which, float value)
    {
        if (!ops_ || which >= ops_->settings)
            return;
        kept_[which] = value; //! CWE-787
        ops_->set(which, value);
    }

    void setKnown(std::uint32_t which, float value)
    {
        if (!ops_ || which >= kept_.size())
            return;
        kept_[which] = value; //! none
        ops_->set(which, value);
    }

private:
    void *lib_ = nullptr;
    const module_ops *ops_ = nullptr;
    std::array<float, 16> kept_{};
};

// Words that are read one by one, and kept: each leads to another.
class Words {
public:
    explicit Words(Cursor c)
    {
        while (c.at != c.end)
            next_.push_back(word(c));
    }
    std::uint32_t follow(std::size_t n) const { return next_[next_.at(n)]; } //! CWE-125
    std::uint32_t followInside(std::size_t n) const
    {
        const std::uint32_t to = next_.at(n);
        return to < next_.size() ? next_[to] : 0; //! none CWE-125
    }

private:
    static std::uint32_t word(Cursor &c)
    {
        std::uint32_t v = 0;
        for (int i = 0; i < 4; ++i)
            v |= std::uint32_t{c.byte()} << (8 * i);
        return v;
    }

    std::vector<std::uint32_t> next_;
};
