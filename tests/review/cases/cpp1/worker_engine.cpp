// A thread calls an object of the library; the member that owns the library is closed before the thread has ended
#include <dlfcn.h>
#include <string>
#include <thread>

struct Recognizer {
    virtual ~Recognizer() {}
    virtual bool recognize(std::string &out) = 0;
};

class Engine {
public:
    ~Engine() { close(); }
    Engine() = default;
    Engine(const Engine &) = delete;
    Recognizer *open(const char *file)
    {
        m_handle = dlopen(file, RTLD_NOW);
        auto make = m_handle ? reinterpret_cast<Recognizer *(*)()>(dlsym(m_handle, "make")) : nullptr;
        return make ? make() : nullptr;
    }
    void close()
    {
        if (m_handle)
            dlclose(m_handle); //! none CWE-672
        m_handle = nullptr;
    }

private:
    void *m_handle = nullptr;
};

class Early {
public:
    void start(const char *file)
    {
        m_rec = m_engine.open(file);
        if (m_rec)
            m_thread = std::thread(&Early::run, this);
    }
    ~Early()
    {
        m_stop = true;
        m_engine.close(); //! CWE-672
        if (m_thread.joinable())
            m_thread.join();
    }

private:
    void run()
    {
        std::string text;
        while (!m_stop)
            m_rec->recognize(text);
    }
    Engine m_engine;
    Recognizer *m_rec = nullptr;
    std::thread m_thread;
    volatile bool m_stop = false;
};
