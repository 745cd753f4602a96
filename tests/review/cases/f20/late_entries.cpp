// Panels of plug-ins: what an entry has of its library goes before the library.
#include <QHash>
#include <QPluginLoader>
#include <QPointer>
#include <QWidget>

#include <dlfcn.h>

#include <map>
#include <string>

class PanelMaker {
public:
    virtual ~PanelMaker() = default;
    virtual QString name() const = 0;
    virtual QWidget *panel(QWidget *parent) = 0;
    virtual void rest() = 0;
};

class Panels {
public:
    QWidget *open(const QString &name, QWidget *parent)
    {
        Entry &e = entries_[name];
        if (!e.maker)
            return nullptr;
        e.panel = e.maker->panel(parent);
        current_ = e.maker;
        shown_ = e.maker;
        return e.panel;
    }

    void close(const QString &name)
    {
        Entry e = entries_.take(name);
        if (!e.loader)
            return;
        shown_ = nullptr;
        e.loader->unload();
        delete e.panel; //! CWE-416
        delete e.loader; //! none CWE-416
    }

    void closeAsked(const QString &name)
    {
        Entry e = entries_.take(name);
        shown_ = nullptr;
        current_ = nullptr;
        if (e.loader && e.loader->unload())
            delete e.loader;
        delete e.panel; //! CWE-416
    }

    void closeInOrder(const QString &name)
    {
        Entry e = entries_.take(name);
        if (!e.loader)
            return;
        if (current_ == e.maker)
            current_ = nullptr;
        shown_ = nullptr;
        delete e.panel; //! none CWE-416
        e.loader->unload();
        delete e.loader;
    }

    void pause()
    {
        if (current_)
            current_->rest(); //! CWE-416
        if (shown_)
            shown_->rest(); //! none CWE-416
    }

private:
    struct Entry {
        QPluginLoader *loader = nullptr;
        PanelMaker *maker = nullptr;
        QPointer<QWidget> panel;
    };
    QHash<QString, Entry> entries_;
    PanelMaker *current_ = nullptr;
    PanelMaker *shown_ = nullptr;
};

struct Feed {
    void *lib = nullptr;
    void (*halt)() = nullptr;
};

static bool attach(const std::string &file, Feed &f)
{
    f.lib = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!f.lib)
        return false;
    f.halt = reinterpret_cast<void (*)()>(dlsym(f.lib, "feed_halt"));
    if (!f.halt)
        dlclose(f.lib);
    return f.halt != nullptr;
}

void haltLate(std::map<std::string, Feed> &feeds)
{
    for (auto &one : feeds) {
        dlclose(one.second.lib);
        one.second.halt(); //! CWE-416
    }
}

void haltFirst(std::map<std::string, Feed> &feeds)
{
    for (auto &one : feeds) {
        one.second.halt(); //! none CWE-416
        dlclose(one.second.lib);
    }
}
