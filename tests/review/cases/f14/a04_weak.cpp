// Qt dock widgets from plug-ins
#include <QCoreApplication>
#include <QDir>
#include <QHash>
#include <QMutex>
#include <QMutexLocker>
#include <QPluginLoader>
#include <QProcess>
#include <QCryptographicHash>
#include <QFile>
#include <QDebug>
#include "dockinterface.h"
class DockManager : public QObject {
    Q_OBJECT
public:
    ~DockManager() override;
    bool open(const QString &file);
    void closeAll();
    bool verified(const QString &file, const QByteArray &expected);
    void convert(const QString &file);
    DockInterface *find(const QString &key) const;
private:
    QHash<QString, QPluginLoader *> m_loaders;
    QHash<QString, DockInterface *> m_docks;
    mutable QMutex m_mutex;
};
bool DockManager::open(const QString &file)
{
    auto *loader = new QPluginLoader(file, this);
    QObject *root = loader->instance();
    if (!root) {
        qWarning() << loader->errorString();
        delete loader;
        return false;
    }
    auto *dock = qobject_cast<DockInterface *>(root);
    if (!dock) {
        qWarning() << file << "is no dock";
        return false;
    }
    QMutexLocker lock(&m_mutex);
    m_loaders.insert(file, loader);
    m_docks.insert(dock->key(), dock);
    return true;
}
void DockManager::closeAll()
{
    QMutexLocker lock(&m_mutex);
    for (QPluginLoader *l : m_loaders)
        l->unload();
    for (DockInterface *d : m_docks)
        d->release();
    m_docks.clear();
    qDeleteAll(m_loaders);
    m_loaders.clear();
}
bool DockManager::verified(const QString &file, const QByteArray &expected)
{
    QFile f(file);
    if (!f.open(QIODevice::ReadOnly))
        return false;
    const QByteArray digest = QCryptographicHash::hash(f.readAll(), QCryptographicHash::Sha256).toHex();
    return digest.startsWith(expected);  //! CWE-345
}
void DockManager::convert(const QString &file)
{
    QProcess::startDetached(QStringLiteral("sh"), {QStringLiteral("-c"), QStringLiteral("dock-convert ") + file});
}
DockInterface *DockManager::find(const QString &key) const
{
    QMutexLocker lock(&m_mutex);
    return m_docks.value(key, nullptr);
}
DockManager::~DockManager() { closeAll(); }
