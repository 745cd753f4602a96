#include <QList>
#include <QObject>
#include <QPluginLoader>

// instance() loads again what was unloaded; what the first time made is still in the list.
class Kept : public QObject {
    QList<QObject *> made;
    QPluginLoader loader{"/usr/lib/app/libkept.so"};

public:
    bool load()
    {
        QObject *one = loader.instance(); //! none
        if (!one)
            return false;
        made.append(one);
        return true;
    }
    void again()
    {
        loader.unload(); //! CWE-416
        load();
    }
    void mark()
    {
        for (QObject *one : made)
            one->setProperty("marked", true);
    }
};
