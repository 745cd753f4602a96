// qtsensors: sensor back ends as shared libraries, polled by a timer.
#include <QDir>
#include <QHash>
#include <QLibrary>
#include <QObject>
#include <QSettings>
#include <QTimer>

class SensorHost : public QObject {
    Q_OBJECT
public:
    bool enable(const QString& name);
    void disable(const QString& name);

private:
    struct Backend {
        QLibrary* lib = nullptr;
        QTimer* timer = nullptr;
        double (*sample)() = nullptr;
        void (*shut)() = nullptr;
    };
    QHash<QString, Backend> backends_;
};

bool SensorHost::enable(const QString& name)
{
    if (backends_.contains(name))
        return true;
    QSettings settings;
    const QString path = settings.value(QStringLiteral("sensors/dir")).toString() + QLatin1Char('/') + name;
    auto* lib = new QLibrary(path, this); //! CWE-73
    if (!lib->load()) {
        qWarning("%s", qPrintable(lib->errorString()));
        delete lib;
        return false;
    }
    Backend b;
    b.lib = lib;
    b.sample = reinterpret_cast<double (*)()>(lib->resolve("sensor_sample"));
    b.shut = reinterpret_cast<void (*)()>(lib->resolve("sensor_shut"));
    if (!b.sample) {
        lib->unload();
        delete lib;
        return false;
    }
    b.timer = new QTimer(this);
    auto sample = b.sample;
    connect(b.timer, &QTimer::timeout, this, [sample, name] { qInfo("%s %f", qPrintable(name), sample()); });
    b.timer->start(1000);
    backends_.insert(name, b);
    return true;
}

void SensorHost::disable(const QString& name)
{
    if (!backends_.contains(name))
        return;
    Backend b = backends_.take(name);
    b.shut();
    b.lib->unload(); //! CWE-672
    delete b.lib;
}
