// Bare pointers to entries are used when the lock is free again; shared pointers keep the entries.
#include <dlfcn.h>

#include <memory>
#include <mutex>
#include <vector>

struct Voice {
    void *handle = nullptr;
    void (*play)(float *) = nullptr;
    Voice() = default;
    Voice(const Voice &) = delete;
    ~Voice()
    {
        if (handle)
            dlclose(handle);
    }
};

using VoicePtr = std::unique_ptr<Voice>;

class Choir {
public:
    void remove(size_t which)
    {
        std::lock_guard<std::mutex> hold(guard_);
        voices_.erase(voices_.begin() + which);
    }
    void play(float *out)
    {
        std::vector<Voice *> order;
        {
            std::lock_guard<std::mutex> hold(guard_);
            for (const VoicePtr &voice : voices_)
                order.push_back(voice.get());
        }
        for (Voice *voice : order) //! CWE-416
            voice->play(out);
    }
    void play_held(float *out)
    {
        std::lock_guard<std::mutex> hold(guard_);
        std::vector<Voice *> order;
        for (const VoicePtr &voice : voices_)
            order.push_back(voice.get());
        for (Voice *voice : order) //! none
            voice->play(out);
    }

private:
    std::mutex guard_;
    std::vector<VoicePtr> voices_;
};

class SharedChoir {
public:
    void remove(size_t which)
    {
        std::lock_guard<std::mutex> hold(guard_);
        shared_.erase(shared_.begin() + which);
    }
    void play(float *out)
    {
        std::vector<std::shared_ptr<Voice>> order;
        {
            std::lock_guard<std::mutex> hold(guard_);
            for (const auto &voice : shared_)
                order.push_back(voice);
        }
        for (const auto &voice : order) //! none
            voice->play(out);
    }

private:
    std::mutex guard_;
    std::vector<std::shared_ptr<Voice>> shared_;
};
