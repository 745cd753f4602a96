// A timer that asks an object of a plug-in goes on when the plug-in is unloaded; the second class stops it.
#include <QObject>
#include <QPluginLoader>
#include <QTimer>

class Queue {
public:
    virtual ~Queue() = default;
    virtual int length() const = 0;
};

Q_DECLARE_INTERFACE(Queue, "net.acme.Queue/1")

class Counter : public QObject {
public:
    void watch()
    {
        QTimer *clock = new QTimer(this);
        Queue *queue = m_queue;
        connect(clock, &QTimer::timeout, this, [this, queue]() { m_length = queue->length(); });
        clock->start(500);
    }
    void leave()
    {
        if (!m_loader->unload()) //! CWE-672
            qWarning() << m_loader->errorString();
    }

private:
    QPluginLoader *m_loader = nullptr;
    Queue *m_queue = nullptr;
    int m_length = 0;
};
