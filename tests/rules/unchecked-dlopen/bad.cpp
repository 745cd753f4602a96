#include <QLibrary>
#include <QString>

class Engine {
public:
    bool start()
    {
        m_lib.setFileName(QStringLiteral("/opt/app/lib/libengine.so"));
        m_lib.load();  // bad
        m_started = true;
        return m_started;
    }
private:
    QLibrary m_lib;
    bool m_started = false;
};
