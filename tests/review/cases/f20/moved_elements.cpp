// A mixer keeps its channels by value: whoever points into the vector has to mind that it grows.
#include <dlfcn.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

typedef int (*gain_fn)(int);

struct Channel {
    void *lib;
    gain_fn gain;
    int level;
};

class Mixer {
public:
    int pair(const char *left, const char *right)
    {
        channels_.push_back(open(left));
        Channel &first = channels_.back();
        channels_.push_back(open(right));
        return first.level; //! CWE-416
    }

    int pairAgain(const char *left, const char *right)
    {
        channels_.push_back(open(left));
        Channel &first = channels_.back();
        const int level = first.level; //! none CWE-416
        channels_.push_back(open(right));
        Channel &second = channels_.back();
        return level + second.level; //! none CWE-416
    }

    int orLeave(const char *left, bool more)
    {
        channels_.push_back(open(left));
        Channel *first = &channels_.front();
        if (more) {
            channels_.push_back(open(left));
            return 0;
        }
        return first->level; //! none CWE-416
    }

    Channel &add(const char *file)
    {
        channels_.push_back(open(file));
        return channels_.back();
    }
    void select(Channel &c) { selected_ = &c; }
    int turn(int by) { return selected_ ? selected_->gain(by) : 0; } //! CWE-416

    void drop(int level)
    {
        for (auto it = byLevel_.begin(); it != byLevel_.end();) {
            if (it->first == level)
                byLevel_.erase(it);
            ++it; //! CWE-416
        }
    }
    void dropSafely(int level)
    {
        for (auto it = byLevel_.begin(); it != byLevel_.end();) {
            if (it->first == level)
                it = byLevel_.erase(it);
            else
                ++it; //! none CWE-416
        }
    }

    ~Mixer()
    {
        for (Channel &c : channels_)
            dlclose(c.lib);
    }

private:
    static Channel open(const char *file)
    {
        void *lib = dlopen(file, RTLD_NOW | RTLD_LOCAL);
        gain_fn gain = lib ? reinterpret_cast<gain_fn>(dlsym(lib, "gain")) : nullptr;
        return {lib, gain, gain ? gain(0) : 0};
    }

    std::vector<Channel> channels_;
    std::map<int, std::string> byLevel_;
    Channel *selected_ = nullptr;
};

// Channels on the heap stay where they are, and the one that grows lets go of what is selected.
class Desk {
public:
    Channel &add(std::unique_ptr<Channel> c)
    {
        channels_.push_back(std::move(c));
        return *channels_.back();
    }
    void select(Channel &c) { selected_ = &c; }
    int turn(int by) { return selected_ ? selected_->gain(by) : 0; } //! none CWE-416

private:
    std::vector<std::unique_ptr<Channel>> channels_;
    Channel *selected_ = nullptr;
};

class Rows {
public:
    explicit Rows(size_t most) { rows_.reserve(most); }
    int both(int a, int b)
    {
        rows_.push_back(a);
        int &first = rows_.back();
        rows_.push_back(b);
        return first; //! none CWE-416
    }

private:
    std::vector<int> rows_;
};

void replaceFirst(std::vector<void *> &libs, void *old, void *fresh)
{
    auto it = std::find(libs.begin(), libs.end(), old);
    if (it == libs.end())
        return;
    libs.push_back(fresh);
    dlclose(*it); //! CWE-416
}

void replaceInPlace(std::vector<void *> &libs, void *old, void *fresh)
{
    auto it = std::find(libs.begin(), libs.end(), old);
    if (it == libs.end()) {
        libs.push_back(fresh);
        return;
    }
    dlclose(*it); //! none CWE-416
    *it = fresh;
}
