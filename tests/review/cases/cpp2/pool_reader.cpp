// Work on a pool calls a plug-in; what unloads it waits for the work first
#include <QtConcurrent/QtConcurrentRun>
#include <QFutureWatcher>
#include <QMutex>
#include <QMutexLocker>
#include <QPluginLoader>
#include <QScopedPointer>

class Reader {
public:
    virtual ~Reader() {}
    virtual QString name() const = 0;
    virtual bool read(const QString &file) = 0;
};
Q_DECLARE_INTERFACE(Reader, "org.mill.Reader/1")

class Readers : public QObject {
    Q_OBJECT
public:
    bool open(const QString &path);
    void start(const QString &file);
    bool unload();
    bool unloadWaiting();

private:
    QScopedPointer<QPluginLoader> m_loader;
    Reader *m_reader = nullptr;
    QFutureWatcher<bool> m_watcher;
};

bool Readers::open(const QString &path)
{
    m_loader.reset(new QPluginLoader(path));
    m_reader = qobject_cast<Reader *>(m_loader->instance());
    return m_reader != nullptr;
}

void Readers::start(const QString &file)
{
    Reader *reader = m_reader;
    if (!reader)
        return;
    auto work = [reader, file]() { return reader->read(file); };
    m_watcher.setFuture(QtConcurrent::run(work));
}

bool Readers::unload()
{
    m_reader = nullptr;
    return m_loader->unload(); //! CWE-672
}

bool Readers::unloadWaiting()
{
    m_watcher.waitForFinished();
    m_reader = nullptr;
    return m_loader->unload(); //! none
}
