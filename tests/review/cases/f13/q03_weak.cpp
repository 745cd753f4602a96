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
    QSettings s;
    QString dir = s.value("packs/dir").toString();
    loader_ = new QPluginLoader(dir + "/" + name, this);  //! CWE-73
    if (!loader_->load()) {
        qWarning() << loader_->errorString();
        delete loader_;
        loader_ = nullptr;
        return false;
    }
    lang_ = qobject_cast<Language *>(loader_->instance());
    lang_->init(this);  //! CWE-690
    return true;
}
void Packs::disable()
{
    if (!loader_)
        return;
    loader_->unload();
    lang_->shutdown();  //! CWE-416
    lang_ = nullptr;
    delete loader_;
    loader_ = nullptr;
}
typedef int (*CountFn)(const char *);
int Packs::words(const QString &so)
{
    QLibrary lib(so);
    CountFn f = (CountFn)lib.resolve("count_words");
    return f("");  //! CWE-690
}
