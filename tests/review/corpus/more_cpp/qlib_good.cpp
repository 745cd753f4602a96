#include <QLibrary>
#include <QMutex>
#include <QMutexLocker>

static QMutex mutex;
static QHash<QString, QLibrary *> cache;

QFunctionPointer lookup(const QString &file, const char *symbol)
{
    if (file.isEmpty() || symbol == nullptr)
        return nullptr;
    QMutexLocker locker(&mutex);
    QLibrary *&lib = cache[file];
    if (lib == nullptr)
        lib = new QLibrary(file);
    if (!lib->load()) {
        qWarning("%s", qPrintable(lib->errorString()));
        return nullptr;
    }
    return lib->resolve(symbol);
}
