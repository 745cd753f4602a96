// A table of what a plug-in made is looked up after the plug-in was unloaded
#include <QHash>
#include <QPluginLoader>
#include <QString>

#include "importfilter.h"

class Manager : public QObject
{
    Q_OBJECT
public:
    bool load(const QString &path)
    {
        auto *loader = new QPluginLoader(path, this);
        auto *filter = qobject_cast<ImportFilter *>(loader->instance());
        if (!filter) {
            delete loader;
            return false;
        }
        m_filters.insert(filter->suffix(), filter);
        m_loaders.append(loader);
        return true;
    }
    ImportFilter *find(const QString &suffix) const { return m_filters.value(suffix); }
    void unloadAll()
    {
        for (QPluginLoader *l : m_loaders)
            l->unload(); // expect: CWE-416
    }
    ~Manager() override { m_loaders.clear(); }

private:
    QHash<QString, ImportFilter *> m_filters;
    QList<QPluginLoader *> m_loaders;
};
