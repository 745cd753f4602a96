// Qt editor: language packs
#include <QLibrary>
#include <QPluginLoader>
#include <QObject>
#include <QDir>
#include <QSettings>
#include <QStandardPaths>
#include <QDebug>
#include "language.h"
class Packs : public QObject {
public:
    bool enable(const QString &name);
    void disable();
    int words(const QString &so);
private:
    QPluginLoader *loader_ = nullptr;
    Language *lang_ = nullptr;
};
bool Packs::enable(const QString &name)
{
    if (name.isEmpty() || name.contains('/') || name.startsWith('.'))
        return false;
    loader_ = new QPluginLoader(QStringLiteral("/usr/lib/editor/packs/") + name, this);  //! none
    if (!loader_->load()) {
        qWarning() << loader_->errorString();
        delete loader_;
        loader_ = nullptr;
        return false;
    }
    lang_ = qobject_cast<Language *>(loader_->instance());
    if (!lang_) {
        loader_->unload();
        delete loader_;
        loader_ = nullptr;
        return false;
    }
    lang_->init(this);  //! none
    return true;
}
void Packs::disable()
{
    if (!loader_)
        return;
    lang_->shutdown();
    loader_->unload();  //! none
    lang_ = nullptr;
    delete loader_;
    loader_ = nullptr;
}
typedef int (*CountFn)(const char *);
int Packs::words(const QString &so)
{
    QLibrary lib(so);
    CountFn f = (CountFn)lib.resolve("count_words");
    if (!f) {
        qWarning() << lib.errorString();
        return -1;
    }
    return f("");  //! none
}
