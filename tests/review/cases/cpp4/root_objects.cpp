// Root objects of Qt plug-ins: their owner is the loader, and only qobject_cast knows where an interface lies.
#include <QObject>
#include <QPluginLoader>
#include <QSharedPointer>
#include <QTimer>

#include <memory>

class Scanner {
public:
    virtual ~Scanner() = default;
    virtual int pages() const = 0;
};

Q_DECLARE_INTERFACE(Scanner, "net.acme.Scanner/1")

class Desk : public QObject {
public:
    bool owned()
    {
        QObject *root = m_loader.instance();
        Scanner *scanner = qobject_cast<Scanner *>(root);
        if (!scanner)
            return false;
        m_shared = QSharedPointer<Scanner>(scanner); //! CWE-763
        return true;
    }
    bool borrowed()
    {
        m_bare = qobject_cast<Scanner *>(m_loader.instance()); //! none
        return m_bare != nullptr;
    }
    bool undeleted()
    {
        Scanner *scanner = qobject_cast<Scanner *>(m_loader.instance());
        m_shared = QSharedPointer<Scanner>(scanner, [](Scanner *) {}); //! none
        return scanner != nullptr;
    }
    int seen_blindly()
    {
        QObject *root = m_loader.instance();
        return root ? reinterpret_cast<Scanner *>(root)->pages() : 0; //! CWE-843
    }

private:
    QPluginLoader m_loader;
    QSharedPointer<Scanner> m_shared;
    Scanner *m_bare = nullptr;
};
