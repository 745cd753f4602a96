// unload() runs only where isLoaded() says so: after the first there is no second.
#include <QLibrary>

class Filter
{
public:
    explicit Filter(const QString &path) : m_library(path)
    {
        if (!m_library.load())
            return;
        m_run = reinterpret_cast<Run>(m_library.resolve("run"));
        if (m_run == nullptr)
            m_library.unload();
    }
    ~Filter()
    {
        if (m_library.isLoaded())
            m_library.unload(); //! none
    }
    int run() const { return m_run != nullptr ? m_run() : -1; }

private:
    typedef int (*Run)();
    QLibrary m_library;
    Run m_run = nullptr;
};

int filtered()
{
    Filter filter(QStringLiteral("/usr/lib/deck/filter.so"));
    return filter.run();
}
