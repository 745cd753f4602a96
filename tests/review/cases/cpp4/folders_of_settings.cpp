// Folders in which Qt looks for plug-ins: from settings, from a variable of the program's own name, beside the program.
#include <QCoreApplication>
#include <QDir>
#include <QPluginLoader>
#include <QSettings>

void from_settings()
{
    QSettings settings("acme", "viewer");
    QCoreApplication::addLibraryPath(settings.value("plugins/path").toString()); //! CWE-427
}

void from_environment()
{
    const QString folder = qEnvironmentVariable("VIEWER_PLUGINS");
    if (!folder.isEmpty())
        QCoreApplication::addLibraryPath(folder); //! CWE-427
}

void beside_the_program()
{
    QCoreApplication::addLibraryPath(QCoreApplication::applicationDirPath() + "/plugins"); //! none
}

bool one(const QString &name)
{
    QPluginLoader loader(QStringLiteral("/usr/lib/viewer/core.so"));
    return loader.load() && loader.instance() != nullptr && name.isEmpty();
}
