#include <QPluginLoader>

struct Filter { virtual int apply(int) = 0; };

int use(const char *unused)
{
    QPluginLoader loader("/opt/app/plugins/libfilter.so");
    QObject *root = loader.instance();
    if (root == nullptr) {
        qWarning("%s", qPrintable(loader.errorString()));
        return -1;
    }
    root->setObjectName("filter");
    return 0;
}
