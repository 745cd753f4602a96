#include <QLibrary>
#include <QString>

class Engine {
public:
    bool start()
    {
        m_lib.setFileName(QStringLiteral("/opt/app/lib/libengine.so"));
        if (!m_lib.load()) {
            qWarning("%s", qPrintable(m_lib.errorString()));
            return false;
        }
        m_started = true;
        return m_started;
    }
private:
    QLibrary m_lib;
    bool m_started = false;
};
