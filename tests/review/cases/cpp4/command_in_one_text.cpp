// One text that Qt parts at its blanks, and a list of arguments.
#include <QProcess>
#include <QLibrary>
#include <QSettings>

bool inspect(const QString &plugin)
{
    QProcess process;
    process.start("/usr/bin/readelf -d " + plugin); //! CWE-88
    process.waitForFinished();
    return process.exitCode() == 0;
}

bool inspectLine(const QString &plugin)
{
    return QProcess::execute(QString("/usr/bin/readelf -d %1").arg(plugin)) == 0; //! CWE-88
}

bool inspectApart(const QString &plugin)
{
    QProcess process;
    process.start("/usr/bin/readelf", {"-d", "--", plugin}); //! none
    process.waitForFinished();
    return process.exitCode() == 0 && QLibrary(plugin).load();
}

bool version()
{
    QProcess process;
    process.start("/usr/bin/readelf --version"); //! none
    return process.waitForFinished();
}
bool inspectCommand(const QString &plugin)
{
    QProcess process;
    process.startCommand("/usr/bin/readelf -d " + plugin); //! CWE-88
    return process.waitForFinished();
}
