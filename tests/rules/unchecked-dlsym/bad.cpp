#include <QPluginLoader>

struct Filter { virtual int apply(int) = 0; };

int use(const char *unused)
{
    QPluginLoader loader("/opt/app/plugins/libfilter.so");
    QObject *root = loader.instance();
    root->setObjectName("filter");  // bad
    return 0;
}
