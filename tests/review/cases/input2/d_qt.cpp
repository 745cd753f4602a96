// Qt hosts.
#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLibrary>
#include <QLocalSocket>
#include <QNetworkReply>
#include <QPluginLoader>
#include <QProcess>
#include <QSettings>
#include <QSslConfiguration>
#include <QSslSocket>
#include <QTemporaryDir>

class Host : public QObject {
    Q_OBJECT
    Q_CLASSINFO("D-Bus Interface", "org.example.Host")
public slots:
    bool loadPlugin(const QString &path)
    {
        m_loader.setFileName(path);
        return m_loader.load();
    }
    void onReadyRead()
    {
        QString line = QString::fromUtf8(m_socket->readLine()).trimmed();
        QLibrary *lib = new QLibrary(line, this); //! CWE-114/73/829
        lib->load();
    }
    void onFinished(QNetworkReply *reply)
    {
        QJsonObject o = QJsonDocument::fromJson(reply->readAll()).object();
        QPluginLoader loader(o["plugin"].toString()); //! CWE-114/73/829/494
        if (!loader.load())
            qWarning("%s", qPrintable(loader.errorString()));
        qWarning(qPrintable(o["note"].toString())); //! CWE-134
        QProcess::startDetached(o["tool"].toString(), QStringList());
        reply->deleteLater();
    }
    void onSslErrors(const QList<QSslError> &)
    {
        m_ssl->ignoreSslErrors(); //! CWE-295
    }
private:
    QPluginLoader m_loader;
    QLocalSocket *m_socket = nullptr;
    QSslSocket *m_ssl = nullptr;
};

bool fromSettings()
{
    QSettings s("host.ini", QSettings::IniFormat);
    QLibrary lib(s.value("codec").toString()); //! CWE-114/426/427/73
    return lib.load();
}

bool fromArguments()
{
    const QStringList args = QCoreApplication::arguments();
    for (const QString &a : args.mid(1)) {
        QPluginLoader loader(a); //! CWE-114/73
        if (!loader.load())
            return false;
    }
    return true;
}

void searchHere()
{
    QCoreApplication::addLibraryPath("."); //! CWE-426/427
    QCoreApplication::addLibraryPath(QDir::currentPath() + "/plugins");
    qputenv("QT_PLUGIN_PATH", QDir::currentPath().toLocal8Bit());
}

bool stage(const QByteArray &data)
{
    QString path = QDir::tempPath() + "/hostplugin.so";
    QFile f(path);
    if (!f.open(QIODevice::WriteOnly))
        return false;
    f.write(data);
    f.close();
    f.setPermissions(QFile::ReadOwner | QFile::WriteOwner | QFile::ReadOther | QFile::WriteOther); //! CWE-732/276
    QLibrary lib(path);
    return lib.load();
}

bool stageOwn(const QByteArray &data)
{
    QTemporaryDir dir;
    if (!dir.isValid())
        return false;
    QFile f(dir.filePath("plug.so"));
    if (!f.open(QIODevice::WriteOnly)) //! none
        return false;
    f.write(data);
    f.close();
    QLibrary lib(f.fileName());
    return lib.load();
}

void looseTls(QSslSocket *s)
{
    s->setPeerVerifyMode(QSslSocket::VerifyNone); //! CWE-295
    QSslConfiguration c = s->sslConfiguration();
    c.setPeerVerifyMode(QSslSocket::QueryPeer); //! CWE-295
    s->setSslConfiguration(c);
}

void unpack(const QString &dir, const QJsonObject &files)
{
    for (auto it = files.begin(); it != files.end(); ++it) {
        QFile f(dir + "/" + it.key());
        if (f.open(QIODevice::WriteOnly))
            f.write(it.value().toString().toUtf8());
    }
}

void run(const QString &name)
{
    QProcess p;
    p.start("sh", {"-c", "nm -D " + name}); //! CWE-78/88
    p.waitForFinished();
    p.start("nm", {"-D", "--", name}); //! none
    p.waitForFinished();
}
