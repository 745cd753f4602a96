#include <dlfcn.h>

#include <memory>
#include <utility>

// Assignments.

class Replaced {
    void *image = nullptr;

public:
    explicit Replaced(const char *name) : image(dlopen(name, RTLD_NOW)) {}
    Replaced(const Replaced &) = delete;
    Replaced &operator=(Replaced &&other) noexcept
    {
        image = std::exchange(other.image, nullptr); //! CWE-772
        return *this;
    }
    ~Replaced()
    {
        if (image)
            dlclose(image);
    }
};

class Swapped {
    void *image = nullptr;

public:
    explicit Swapped(const char *name) : image(dlopen(name, RTLD_NOW)) {}
    Swapped(const Swapped &) = delete;
    Swapped &operator=(Swapped &&other) noexcept
    {
        std::swap(image, other.image); //! none
        return *this;
    }
    ~Swapped()
    {
        if (image)
            dlclose(image);
    }
};

// Copies that share a count.

struct Shared {
    int users = 1;
    void *image = nullptr;
};

class Uncounted {
    Shared *shared;

public:
    explicit Uncounted(Shared *one) : shared(one) {}
    Uncounted(const Uncounted &other) : shared(other.shared) {} //! CWE-911
    ~Uncounted()
    {
        if (--shared->users == 0) {
            dlclose(shared->image);
            delete shared;
        }
    }
};

class Counted {
    Shared *shared;

public:
    explicit Counted(Shared *one) : shared(one) {}
    Counted(const Counted &other) : shared(other.shared) { ++shared->users; } //! none CWE-911
    ~Counted()
    {
        if (--shared->users == 0) {
            dlclose(shared->image);
            delete shared;
        }
    }
};

// A base and what is derived from it.

class Base {
protected:
    void *image = nullptr;

public:
    Base() = default;
    Base(const Base &) = delete;
    virtual ~Base()
    {
        if (image)
            dlclose(image);
    }
};

class ClosesToo : public Base {
public:
    ~ClosesToo() override
    {
        dlclose(image); //! CWE-675
    }
};

class ClosesFirst : public Base {
public:
    ~ClosesFirst() override
    {
        if (image)
            dlclose(image); //! none
        image = nullptr;
    }
};

// Two holders.

std::shared_ptr<void> one, two;

void two_counts()
{
    void *image = dlopen("libtwo.so.1", RTLD_NOW);
    if (!image)
        return;
    one = std::shared_ptr<void>(image, dlclose);
    two = std::shared_ptr<void>(image, dlclose); //! CWE-675
}

void one_count()
{
    void *image = dlopen("libtwo.so.1", RTLD_NOW);
    if (!image)
        return;
    one = std::shared_ptr<void>(image, dlclose);
    two = one; //! none
}

// Locals that end behind the close.

struct Tool {
    virtual ~Tool() = default;
    virtual int size() = 0;
};

int ends_late()
{
    void *image = dlopen("libtool.so.1", RTLD_NOW);
    if (!image)
        return -1;
    auto make = reinterpret_cast<Tool *(*)()>(dlsym(image, "make"));
    auto end = reinterpret_cast<void (*)(Tool *)>(dlsym(image, "end"));
    if (!make || !end) {
        dlclose(image);
        return -1;
    }
    std::unique_ptr<Tool, void (*)(Tool *)> tool(make(), end);
    int size = tool ? tool->size() : -1;
    dlclose(image); //! CWE-416
    return size;
}

int ends_before()
{
    void *image = dlopen("libtool.so.1", RTLD_NOW);
    if (!image)
        return -1;
    auto make = reinterpret_cast<Tool *(*)()>(dlsym(image, "make"));
    auto end = reinterpret_cast<void (*)(Tool *)>(dlsym(image, "end"));
    if (!make || !end) {
        dlclose(image);
        return -1;
    }
    std::unique_ptr<Tool, void (*)(Tool *)> tool(make(), end);
    int size = tool ? tool->size() : -1;
    tool.reset();
    dlclose(image); //! none
    return size;
}

// Arrays and single objects.

int fill_array(void *image)
{
    auto fill = reinterpret_cast<int (*)(char *, int)>(dlsym(image, "fill"));
    std::unique_ptr<char> room(new char[80]); //! CWE-762
    char *other = new char[80];
    int got = fill ? fill(room.get(), 80) : -1;
    delete other; //! CWE-762
    return got;
}

int fill_well(void *image)
{
    auto fill = reinterpret_cast<int (*)(char *, int)>(dlsym(image, "fill"));
    std::unique_ptr<char[]> room(new char[80]); //! none
    char *other = new char[80];
    int got = fill ? fill(room.get(), 80) : -1;
    delete[] other; //! none
    return got;
}
